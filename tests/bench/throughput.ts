import { burst, closed, gauge } from "./client.ts";
import type { Picture } from "./pictures.ts";
import { cpuSeconds } from "./process_tree.ts";
import { startProgram } from "./program.ts";
import { rawSharp } from "./raw_sharp.ts";
import { quantile, type Row, type Size } from "./report.ts";

const CLIENTS = 8;

/** Images per second from upload to done, beside what the image library does alone. */
export async function measureThroughput(
  pictures: Picture[],
  size: Size,
  folder: string,
): Promise<Row[]> {
  const cores = navigator.hardwareConcurrency;
  const alone = await rawSharp(pictures, 1, size.seconds, folder);
  const together = await rawSharp(pictures, cores, size.seconds, folder);
  const sharp = await run("sharp", pictures, size.images, `${folder}/sharp`);
  const portable = await run("imagescript", pictures, size.portableImages, `${folder}/portable`);
  const yardstick = {
    what: `images/s, raw sharp in ${cores} processes`,
    value: together.perSecond,
  };
  return [
    { what: "raw sharp, one process", value: alone.perSecond, unit: "images/s" },
    { what: "upload to done, sharp", value: sharp.perSecond, unit: "images/s", yardstick },
    { what: "upload to done, imagescript", value: portable.perSecond, unit: "images/s", yardstick },
    {
      what: "processor time, sharp",
      value: sharp.cpuMs,
      unit: "ms/image",
      yardstick: { what: "ms/image, raw sharp", value: alone.cpuMs },
    },
    { what: `upload latency, burst of ${CLIENTS}, p50`, ...ms(sharp.burst, 0.5) },
    { what: `upload latency, burst of ${CLIENTS}, p99`, ...ms(sharp.burst, 0.99) },
    { what: "upload latency, closed loop of 2, p50", ...ms(sharp.closed, 0.5) },
    { what: "upload latency, closed loop of 2, p99", ...ms(sharp.closed, 0.99) },
    { what: "KV commits", value: sharp.commits, unit: "per image", aim: "at most 6" },
  ];
}

async function run(engine: string, pictures: Picture[], count: number, dataDir: string) {
  await using server = await startProgram(dataDir, { IMAGE_ENGINE: engine });
  await burst(server, pictures, Math.min(4, count), 2);
  const [commits, cpu] = [
    await gauge(server, "imago_kv_commits_total"),
    await cpuSeconds(server.pid),
  ];
  const fast = await burst(server, pictures, count, CLIENTS);
  const [commitsAfter, cpuAfter] = [
    await gauge(server, "imago_kv_commits_total"),
    await cpuSeconds(server.pid),
  ];
  const calm = await closed(server, pictures, Math.ceil(count / 2), 2);
  return {
    perSecond: count / fast.wallMs * 1000,
    burst: fast.latencies,
    closed: calm.latencies,
    commits: (commitsAfter - commits) / count,
    cpuMs: cpu !== null && cpuAfter !== null ? (cpuAfter - cpu) / count * 1000 : null,
  };
}

function ms(samples: number[], q: number): Pick<Row, "value" | "unit"> {
  return { value: quantile(samples, q), unit: "ms" };
}

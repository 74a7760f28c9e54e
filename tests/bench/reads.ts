import { burst } from "./client.ts";
import { startBaseline } from "./hono_baseline.ts";
import type { Picture } from "./pictures.ts";
import { startProgram } from "./program.ts";
import type { ReaderJob, ReaderResult } from "./reader.ts";
import { quantile, type Row, type Size } from "./report.ts";

/** Reads a second, in the open loop. */
const RATE = 100;
/** Requests under way, in the closed loop. */
const READERS = 16;
const PAGE = 50;

/** Latency of reads while the pipeline rests and while it is saturated, and how many a second. */
export async function measureReads(
  pictures: Picture[],
  size: Size,
  dataDir: string,
): Promise<Row[]> {
  await using server = await startProgram(dataDir);
  await using baseline = await startBaseline();
  const light = pictures.toSorted((a, b) => a.megapixels - b.megapixels).slice(0, 3);
  const { ids } = await burst(server, light, PAGE, 8);
  const headers = { "X-API-Key": server.key };
  const details = ids.map((id) => `${server.base}/images/${id}`);
  const page = [`${server.base}/images?limit=${PAGE}`];
  const both = details.flatMap((url) => [url, ...page]);
  const ms = size.seconds * 1000;

  const flatOut = async (urls: string[]) =>
    (await read({ kind: "closed", urls, headers, readers: READERS, ms })).perSecond;
  const open = (ms: number | null) => reader({ kind: "open", urls: both, headers, rate: RATE, ms });

  const idle = await open(ms).result;
  const busy = open(null);
  await burst(server, pictures, size.images, 8);
  const loaded = await busy.stop();
  const empty = { what: "requests/s, empty route", value: await flatOut([baseline.url]) };
  const [one, list] = [await flatOut(details), await flatOut(page)];
  const before = (q: number) => ({ what: "ms idle", value: quantile(idle.latencies, q) ?? NaN });
  const during = (q: number): Row => ({
    what: `read latency, saturated, p${q * 100}`,
    value: quantile(loaded.latencies, q),
    unit: "ms",
    yardstick: before(q),
    aim: "at most ×2",
  });
  return [
    during(0.5),
    during(0.99),
    { what: "GET /images/{id}", value: one, unit: "requests/s", yardstick: empty },
    { what: `GET /images, ${PAGE} items`, value: list, unit: "requests/s", yardstick: empty },
  ];
}

const read = (job: ReaderJob) => reader(job).result;

/** Reads in a thread of its own, so that sending pictures does not delay it. */
function reader(job: ReaderJob) {
  const worker = new Worker(import.meta.resolve("./reader.ts"), { type: "module" });
  const { promise: result, resolve, reject } = Promise.withResolvers<ReaderResult>();
  worker.onmessage = ({ data }) => {
    worker.terminate();
    resolve(data);
  };
  worker.onerror = (event) => {
    worker.terminate();
    reject(new Error(event.message));
  };
  worker.postMessage(job);
  return {
    result,
    stop() {
      worker.postMessage("stop");
      return result;
    },
  };
}

import { png } from "../helpers/pictures.ts";
import { watchMemory } from "./process_tree.ts";
import { startProgram } from "./program.ts";
import type { Row, Size } from "./report.ts";

/** A stored PNG of so many pixels a side has about 20 MB. */
const SIDE = 4_500;
const MB = 1_048_576;

/** How fast a large export comes, and what it costs the server in memory. */
export async function measureExport({ exportImages }: Size, dataDir: string): Promise<Row[]> {
  await using server = await startProgram(dataDir, { JOBS_ENABLED: "false" });
  for (let i = 0; i < exportImages; i++) {
    const answer = await server.upload(png(SIDE, SIDE, i));
    if (!answer.ok) throw new Error(await answer.text());
    await answer.body?.cancel();
  }
  const before = await watchFor(
    server.pid,
    () => new Promise((resolve) => setTimeout(resolve, 2_000)),
  );
  const began = performance.now();
  let bytes = 0;
  const during = await watchFor(server.pid, async () => {
    const { body } = await server.request("/privacy/export");
    for await (const chunk of body ?? []) bytes += chunk.length;
  });
  const seconds = (performance.now() - began) / 1000;
  const what = `export of ${exportImages} pictures, ${Math.round(bytes / MB)} MiB`;
  return [
    { what, value: bytes / MB / seconds, unit: "MiB/s" },
    { what: `${what}: RSS before`, value: before, unit: "MiB" },
    { what: `${what}: RSS meanwhile`, value: during, unit: "MiB", aim: "at most 100 more" },
  ];
}

/** Peak memory of the program while `work` runs. */
async function watchFor(pid: number, work: () => Promise<unknown>): Promise<number | null> {
  const memory = watchMemory(pid);
  await work();
  return (await memory.stop())?.rssMb ?? null;
}

import { burst } from "./client.ts";
import type { Picture } from "./pictures.ts";
import { watchMemory } from "./process_tree.ts";
import { startProgram } from "./program.ts";
import type { Row, Size } from "./report.ts";

const CLIENTS = 8;

/** Peak memory of the server and its children while large pictures are processed, OCR included. */
export async function measureMemory(
  pictures: Picture[],
  { memoryImages: count }: Size,
  dataDir: string,
): Promise<Row[]> {
  const large = pictures.filter(({ megapixels }) => megapixels > 10);
  await using server = await startProgram(dataDir, { OCR_ENABLED: "true" });
  const memory = watchMemory(server.pid);
  await burst(server, large.length ? large : pictures, count, CLIENTS);
  const peak = await memory.stop();
  const what = `peak memory, ${count} pictures of 12–24 MP, OCR on`;
  return [
    { what: `${what}: PSS`, value: peak?.pssMb ?? null, unit: "MiB", aim: "under 800" },
    { what: `${what}: RSS`, value: peak?.rssMb ?? null, unit: "MiB" },
  ];
}

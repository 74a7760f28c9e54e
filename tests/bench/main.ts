/**
 * Measures the real program beside yardsticks taken in the same run, on this machine:
 *
 *     deno task bench [--quick] [--files DIR] [--json FILE] [--only throughput,reads,fairness,memory,export] [--flood N]
 *
 * It makes its own pictures unless `--files` names a folder of JPEGs, runs on loopback and on
 * temporary folders, and ends by itself. Trust ratios rather than seconds: other programs on the
 * machine slow both sides.
 */
import { parseArgs } from "node:util";
import { measureExport } from "./export.ts";
import { measureFairness } from "./fairness.ts";
import { measureMemory } from "./memory.ts";
import { loadPictures, makePictures, type Picture } from "./pictures.ts";
import { endPrograms } from "./program.ts";
import { measureReads } from "./reads.ts";
import { type Row, showTable, type Size } from "./report.ts";
import { measureThroughput } from "./throughput.ts";

const FULL: Size = {
  images: 60,
  portableImages: 8,
  seconds: 4,
  memoryImages: 50,
  floodImages: 500,
  exportImages: 50,
};
const QUICK: Size = {
  images: 24,
  portableImages: 3,
  seconds: 1.5,
  memoryImages: 10,
  floodImages: 100,
  exportImages: 10,
};

type Section = (size: Size, folder: string) => Promise<Row[]>;

if (import.meta.main) await main();

async function main() {
  const { values: options } = parseArgs({
    args: Deno.args,
    options: {
      quick: { type: "boolean", default: false },
      files: { type: "string" },
      json: { type: "string" },
      only: { type: "string", default: "throughput,reads,fairness,memory,export" },
      flood: { type: "string" },
    },
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => void endPrograms().then(() => Deno.exit(130)));
  }
  const small = await pictures(options.files, [2, 5, 12]);
  const sections: Record<string, Section> = {
    throughput: (size, folder) => measureThroughput(small, size, folder),
    reads: (size, folder) => measureReads(small, size, folder),
    fairness: (size, folder) =>
      measureFairness(
        small,
        { ...size, floodImages: Number(options.flood ?? size.floodImages) },
        folder,
      ),
    memory: async (size, folder) =>
      measureMemory(await pictures(options.files, [12, 24]), size, folder),
    export: measureExport,
  };
  const rows: Row[] = [];
  for (const name of options.only.split(",")) {
    const section = sections[name];
    if (!section) throw new Error(`There is no section ${name}: ${Object.keys(sections)}`);
    const measured = await inFolder((folder) => section(options.quick ? QUICK : FULL, folder));
    print(showTable(name, measured));
    rows.push(...measured);
  }
  if (options.json) await Deno.writeTextFile(options.json, JSON.stringify(rows, null, 1) + "\n");
  Deno.exit(0);
}

function pictures(folder: string | undefined, megapixels: number[]): Promise<Picture[]> {
  return folder ? loadPictures(folder) : makePictures(megapixels);
}

/** Runs `work` with an empty folder, which is removed afterwards. */
async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "imago-bench-" });
  try {
    return await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function print(text: string) {
  // deno-lint-ignore no-console -- its output is its purpose
  console.log(text);
}

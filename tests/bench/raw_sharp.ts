import sharp from "sharp";
import { RENDITIONS } from "../../lib/imaging/engine.ts";
import type { Picture } from "./pictures.ts";

type Pace = { perSecond: number; cpuMs: number };

/** With OCR and vision off, as here, Imago makes no preview either. */
const OUTPUTS = RENDITIONS.filter(({ name }) => name !== "preview");

/**
 * What sharp does by itself, with its own standard settings, for the renditions that Imago makes:
 * one decode, no server, no queue, nothing stored. In so many processes at once, for so long.
 */
export async function rawSharp(
  pictures: Picture[],
  processes: number,
  seconds: number,
  folder: string,
): Promise<Pace> {
  const set = `${folder}/set`;
  await Deno.mkdir(set, { recursive: true });
  for (const { name, head, tail } of pictures) {
    await Deno.writeFile(`${set}/${name}`, new Uint8Array([...head, ...tail]));
  }
  const paces = await Promise.all(Array.from({ length: processes }, () => inProcess(set, seconds)));
  const sum = (of: (pace: Pace) => number) => paces.reduce((total, pace) => total + of(pace), 0);
  return { perSecond: sum((pace) => pace.perSecond), cpuMs: sum((pace) => pace.cpuMs) / processes };
}

async function inProcess(set: string, seconds: number): Promise<Pace> {
  const { stdout, success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-qA", "--cached-only", import.meta.url, set, String(seconds)],
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("raw sharp failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** Whole passes over the set until the time is over: each pass has the same mixture of sizes. */
async function work([set, seconds]: string[]): Promise<Pace> {
  sharp.concurrency(1);
  sharp.cache(false);
  const files = [...Deno.readDirSync(set!)].map(({ name }) => Deno.readFileSync(`${set}/${name}`));
  await render(files[0]!);
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  let count = 0;
  while (performance.now() - began < Number(seconds) * 1000) {
    for (const file of files) await render(file);
    count += files.length;
  }
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: count / (performance.now() - began) * 1000,
    cpuMs: (user + system) / 1000 / count,
  };
}

/** The largest from the file, each smaller one from the pixels of the one before. */
async function render(file: Uint8Array): Promise<void> {
  let source = sharp(file).autoOrient();
  for (const { width, height, quality } of OUTPUTS) {
    const { data, info } = await source
      .resize({ width, height, fit: "inside", withoutEnlargement: true })
      .raw().toBuffer({ resolveWithObject: true });
    const raw = { width: info.width, height: info.height, channels: info.channels };
    await sharp(data, { raw }).jpeg({ quality }).toBuffer();
    source = sharp(data, { raw });
  }
}

if (import.meta.main) {
  // deno-lint-ignore no-console -- the answer to the process that started it
  console.log(JSON.stringify(await work(Deno.args)));
  Deno.exit(0);
}

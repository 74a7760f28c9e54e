/**
 * Measures the built-in model, and compares it with what it was trained by:
 *
 *     deno task bench:predict [--answers FILE] [--onnx FILE] [--rounds 20]
 *
 * `--answers` names the lines that docs/model/predict.py printed for some pictures, `--onnx` the
 * model that docs/model/export.py wrote, to be run by onnxruntime-web beside it.
 */
import { parseArgs } from "node:util";
import { createImaging } from "../../lib/imaging/imaging.ts";
import type { Pixels } from "../../lib/imaging/imaging.ts";
import type { ImageFormat } from "../../lib/model/image.ts";
import { Preparation } from "../../lib/onnx/input.ts";
import { createOnnxModel } from "../../lib/onnx/onnx.ts";
import { createPets, PIXELS_SIDE } from "../../lib/predict/pets.ts";
import { sigmoid } from "../../lib/predict/pets_model.ts";

const PICTURE = new URL("../fixtures/pets/cat.jpg", import.meta.url);

if (import.meta.main) await main();

async function main() {
  const { values: { answers, onnx, rounds } } = parseArgs({
    options: {
      answers: { type: "string" },
      onnx: { type: "string" },
      rounds: { type: "string", default: "20" },
    },
  });
  await using imaging = await createImaging({ engine: "auto", cores: 1 });
  const pixels = async (bytes: Uint8Array, format: ImageFormat) =>
    await imaging.pixels(bytes, { format, side: PIXELS_SIDE });
  const picture = await pixels(await Deno.readFile(PICTURE), "jpeg");
  const square = {
    ...picture,
    width: 128,
    height: 128,
    data: picture.data.subarray(0, 128 * 128 * 3),
  };
  await measure("built-in, one view", Number(rounds), () => createPets({ size: 1 }), square);
  await measure("built-in, two views", Number(rounds), () => createPets({ size: 1 }), picture);
  if (onnx) {
    await measure("onnxruntime-web, one view", Number(rounds), () => openOnnx(onnx), square);
  }
  if (answers) await compare(answers, pixels);
}

/** The export takes bytes and does the rest itself. */
function openOnnx(path: string) {
  const model = createOnnxModel({
    name: "bench",
    path,
    preparation: Preparation.parse({}),
    size: 1,
  });
  return { ...model, look: model.run };
}

type Looker = { look(pixels: Pixels): Promise<unknown>; close(): Promise<void> };

async function measure(name: string, rounds: number, open: () => Looker, picture: Pixels) {
  const fresh: number[] = [];
  const warm: number[] = [];
  for (let child = 0; child < 3; child++) {
    const looker = open();
    fresh.push(await time(() => looker.look(picture)));
    for (let round = 0; round < rounds; round++) warm.push(await time(() => looker.look(picture)));
    await looker.close();
  }
  print(`${name}: fresh child ${median(fresh)} ms, warm ${median(warm)} ms`);
}

/** The largest difference between the program's answers and the training's own. */
async function compare(
  file: string,
  pixels: (bytes: Uint8Array, format: ImageFormat) => Promise<Pixels>,
) {
  await using pets = createPets({ size: 1 });
  const lines = (await Deno.readTextFile(file)).trim().split("\n");
  let [worst, right] = [{ file: "", difference: 0 }, 0];
  for (const line of lines) {
    const answer: { file: string; dog: number } = JSON.parse(line);
    const format = answer.file.endsWith(".png") ? "png" : "jpeg";
    const look = await pets.look(await pixels(await Deno.readFile(answer.file), format));
    const dog = sigmoid(look.dog);
    right += Number((dog > 0.5) === answer.file.includes("/dog/"));
    const difference = Math.abs(dog - answer.dog);
    if (difference > worst.difference) worst = { file: answer.file, difference };
  }
  print(
    `${lines.length} answers, ${right} right by the folder's name, at most ` +
      `${worst.difference.toExponential(1)} from the training's (${worst.file})`,
  );
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function median(values: number[]): string {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!.toFixed(1);
}

function print(line: string) {
  // deno-lint-ignore no-console -- its output is its purpose
  console.log(line);
}

/**
 * How right the built-in model is, on pictures kept apart from its training and on photos without
 * any pet, where those lie beside the checkout. By default a sample; IMAGO_FULL=1 takes all.
 */
import assert from "node:assert/strict";
import { createImaging } from "../../../lib/imaging/imaging.ts";
import { createPets, PIXELS_SIDE } from "../../../lib/predict/pets.ts";
import { sigmoid } from "../../../lib/predict/pets_model.ts";
import type { ImageFormat } from "../../../lib/model/image.ts";
import { untar } from "../../helpers/untar.ts";

const SHARED = new URL("../../../../shared/", import.meta.url);
const FULL = Deno.env.get("IMAGO_FULL") === "1";
const SAMPLE = 60;
/** Photos of the corpus with a cat in them. */
const WITH_PET = ["moto_g9_emptygps_16mp.jpg"];

type Picture = { name: string; format: ImageFormat; bytes: Uint8Array };

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(new URL(path, SHARED)).then(() => true, () => false);
}

/** Looks at pictures one after the other. */
async function* looks(pictures: Iterable<Picture>) {
  await using imaging = await createImaging({ engine: "sharp", cores: 1 });
  await using pets = createPets({ size: 1 });
  const { petThreshold } = await pets.about();
  for (const { name, format, bytes } of pictures) {
    const look = await pets.look(await imaging.pixels(bytes, { format, side: PIXELS_SIDE }));
    const dog = sigmoid(look.dog);
    yield { name, dog, isStrange: look.pet < petThreshold, confidence: Math.max(dog, 1 - dog) };
  }
}

Deno.test({
  name: "the built-in model is right on 92 of 100 pictures that it has not learned from",
  ignore: !await isThere("pets/pets.tar"),
  async fn() {
    const archive = await Deno.open(new URL("pets/pets.tar", SHARED));
    const files = await untar(archive.readable);
    const all = [...files].filter(([name]) => name.startsWith("val/"))
      .sort(([a], [b]) => a < b ? -1 : 1);
    const every = FULL ? 1 : Math.floor(all.length / SAMPLE);
    const chosen = all.filter((_, at) => at % every === 0)
      .map(([name, bytes]) => ({ name, bytes, format: "jpeg" as const }));
    let [right, lost, bins] = [0, 0, new Map<number, { count: number; gap: number }>()];
    for await (const { name, dog, isStrange, confidence } of looks(chosen)) {
      const isRight = (dog > 0.5) === name.startsWith("val/dog/");
      right += Number(isRight);
      lost += Number(isRight && isStrange);
      const bin = Math.min(9, Math.floor((confidence - 0.5) * 20));
      const { count, gap } = bins.get(bin) ?? { count: 0, gap: 0 };
      bins.set(bin, { count: count + 1, gap: gap + confidence - Number(isRight) });
    }
    const { length } = chosen;
    const calibration = [...bins.values()].reduce((sum, { gap }) => sum + Math.abs(gap), 0) /
      length;
    const told = `${right} of ${length} right, ${lost} of them Unknown, off by ${calibration}`;
    assert.ok(right / length >= (FULL ? 0.92 : 0.87), told);
    // What "Unknown" costs: right answers that it takes the place of.
    assert.ok(lost / length < (FULL ? 0.01 : 0.05), told);
    if (FULL) assert.ok(calibration <= 0.04, told);
  },
});

Deno.test({
  name: "at least half of the corpus' photos without a pet are like nothing that the model knows",
  ignore: !await isThere("corpus/manifest.json"),
  async fn() {
    const folders = ["exif", "orient", "ocr"];
    const pictures: Picture[] = [];
    for (const folder of folders) {
      for await (const { name } of Deno.readDir(new URL(`corpus/${folder}`, SHARED))) {
        if (!name.endsWith(".jpg") || WITH_PET.includes(name)) continue;
        const bytes = await Deno.readFile(new URL(`corpus/${folder}/${name}`, SHARED));
        pictures.push({ name, format: "jpeg", bytes });
      }
    }
    let strange = 0;
    for await (const { isStrange } of looks(pictures)) strange += Number(isStrange);
    assert.ok(strange >= pictures.length / 2, `${strange} of ${pictures.length}`);
  },
});

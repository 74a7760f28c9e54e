import { createImaging } from "../../lib/imaging/imaging.ts";
import { png } from "../helpers/pictures.ts";

const CORPUS = new URL("../../../shared/corpus/", import.meta.url);
const SIZES = [[400, 300], [1200, 800], [300, 900], [2400, 1600]] as const;
const MOST_BYTES = 1_500_000;

/** Makes JPEGs of which no two have the same bytes, unless asked for the same `number`. */
export async function createPhotos() {
  const models = [...await render(), ...await readCorpus()];
  return (number: number) => withComment(models[number % models.length]!, `photo ${number}`);
}

async function render(): Promise<Uint8Array[]> {
  await using imaging = await createImaging({ engine: "auto", cores: 1 });
  const photos: Uint8Array[] = [];
  for (const [index, [width, height]] of SIZES.entries()) {
    const picture = png(width, height, 40 + 50 * index);
    const { outputs } = await imaging.render(picture, { format: "png" });
    photos.push(outputs.preview!.bytes);
  }
  return photos;
}

/** Some real photos of the corpus, where it lies beside the checkout. */
async function readCorpus(): Promise<Uint8Array[]> {
  try {
    const { files } = JSON.parse(await Deno.readTextFile(new URL("manifest.json", CORPUS)));
    const photos: Uint8Array[] = [];
    for (const { file, outcome, bytes } of files) {
      if (outcome !== "accept" || bytes > MOST_BYTES || !/\.jpe?g$/.test(file)) continue;
      photos.push(await Deno.readFile(new URL(file, CORPUS)));
    }
    return photos.slice(0, 12);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The same picture with a comment segment behind its first marker: other bytes, same look. */
function withComment(jpeg: Uint8Array, text: string): Uint8Array<ArrayBuffer> {
  const comment = new TextEncoder().encode(text);
  const photo = new Uint8Array(jpeg.length + 4 + comment.length);
  photo.set(jpeg.subarray(0, 2));
  photo.set([0xff, 0xfe, 0, comment.length + 2], 2);
  photo.set(comment, 6);
  photo.set(jpeg.subarray(2), 6 + comment.length);
  return photo;
}

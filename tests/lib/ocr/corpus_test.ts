/**
 * Reads the pictures of the corpus through previews as Imago makes them, when the corpus lies beside
 * the checkout. By default a representative part; IMAGO_FULL=1 reads all of it.
 */
import assert from "node:assert/strict";
import sharp from "sharp";
import { z } from "zod";
import type { Ocr } from "../../../lib/model/image.ts";
import { createOcr } from "../../../lib/ocr/ocr.ts";

const CORPUS = new URL("../../../../shared/corpus/", import.meta.url);
const FULL = Deno.env.get("IMAGO_FULL") === "1";

const Entry = z.object({
  file: z.string(),
  outcome: z.enum(["accept", "reject", "policy", "either"]),
  ocr: z.object({
    lang: z.string(),
    text: z.string(),
    has_text: z.boolean(),
    note: z.string().optional(),
    goal: z.object({ max_cer: z.number(), min_word_recall: z.number() }).optional(),
  }).optional(),
});
type Entry = z.infer<typeof Entry>;

/** Photographs and drawings without a letter in them; other pictures may show some. */
const WITHOUT_TEXT = [
  "bad/itxt.png",
  "exif/canon_7d.jpg",
  "exif/canon_g11_10mp.jpg",
  "exif/htc_desire_NE.jpg",
  "exif/kodak_cx7530_SE.jpg",
  "exif/lumia800_NW_8mp.jpg",
  "exif/moto_g9_emptygps_16mp.jpg",
  "exif/nikon_p6000_NE.jpg",
  "exif/noexif.jpg",
  "exif/pillow_exif.png",
  "exif/seine_gainmap_pixel4a_NE.jpg",
  "exif/xmp_bluesquare.jpg",
  "fmt/animated.gif",
  "fmt/lossless_alpha.webp",
  "fmt/lossy.webp",
  "fmt/monkey16.png",
];
/** What the default run leaves out: the same pages in other guises, and the slowest. */
const LONG_RUN = /simple\.(jpg|webp)|testocr|q20|lowcontrast|gallica|eurotext|\dmp|itxt/;

const entries = readManifest();

Deno.test({
  name: "read() meets the goals of the corpus",
  ignore: entries.length === 0,
  async fn(t) {
    await using ocr = createOcr({ languages: "eng+fra", size: 1 });
    for (const entry of entries.filter(({ file }) => FULL || !LONG_RUN.test(file))) {
      if (!entry.ocr && !WITHOUT_TEXT.includes(entry.file)) continue;
      await t.step(entry.file, async () => check(entry, await ocr.read(await preview(entry.file))));
    }
    assert.equal(ocr.stats().crashed + ocr.stats().killed, 0);
  },
});

function readManifest(): Entry[] {
  try {
    const manifest: unknown = JSON.parse(Deno.readTextFileSync(new URL("manifest.json", CORPUS)));
    return z.object({ files: z.array(Entry) }).parse(manifest).files;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return [];
    throw error;
  }
}

async function preview(file: string): Promise<Uint8Array> {
  const picture = sharp(await Deno.readFile(new URL(file, CORPUS))).autoOrient().toColorspace(
    "srgb",
  )
    .flatten({ background: "#fff" })
    .resize(2048, 2048, { fit: "inside", withoutEnlargement: true });
  return new Uint8Array(await picture.jpeg({ quality: 85 }).toBuffer());
}

function check({ ocr }: Entry, found: Ocr): void {
  assert.equal(found.has_text, ocr?.has_text ?? false, found.text);
  if (!ocr?.goal) return;
  const [truth, text] = [ocr.text, found.text].map(ocr.note ? modernise : singleSpaced);
  const errors = distance([...text!], [...truth!]) / [...truth!].length;
  const recall = wordRecall(text!.split(" "), truth!.split(" "));
  const { max_cer, min_word_recall } = ocr.goal;
  assert.ok(
    errors <= max_cer && recall >= min_word_recall,
    `character error rate ${errors.toFixed(4)} (goal ${max_cer}), ` +
      `word recall ${recall.toFixed(3)} (goal ${min_word_recall}):\n${found.text}`,
  );
  if (["eng", "fra"].includes(ocr.lang) && truth!.length > 40) {
    assert.equal(found.language, ocr.lang.slice(0, 2));
  }
}

const singleSpaced = (text: string) => text.normalize("NFC").replace(/\s+/g, " ").trim();

/** Print of the 18th century: long s, words broken at the end of lines, any case. */
const modernise = (text: string) =>
  singleSpaced(text.replace(/[¬-]\s*\n\s*/g, "")).replaceAll("ſ", "s").replaceAll("’", "'")
    .toLowerCase();

/** Levenshtein. */
function distance(one: string[], other: string[]): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  one.forEach((character, line) => {
    const next = [line + 1];
    other.forEach((wanted, index) => {
      const swap = row[index]! + (character === wanted ? 0 : 1);
      next.push(Math.min(swap, row[index + 1]! + 1, next[index]! + 1));
    });
    row = next;
  });
  return row.at(-1)!;
}

/** The share of the wanted words that are found, each as often as it is wanted. */
function wordRecall(found: string[], wanted: string[]): number {
  const left = [...found];
  const hits = wanted.filter((word) => {
    const at = left.indexOf(word);
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
  return hits.length / wanted.length;
}

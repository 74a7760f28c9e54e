import assert from "node:assert/strict";
import sharp, { type Sharp } from "sharp";
import { Problem } from "../../../lib/errors.ts";
import { createOcr, type OcrReader } from "../../../lib/ocr/ocr.ts";

const FRENCH = "Le marché couvert ouvre à huit heures.\n" +
  "On ferme le lundi et les jours fériés.\n" +
  "Entrée côté église, près de la fontaine.";
const ENGLISH = "The library opens at nine in the morning.\n" +
  "Please return borrowed books to this desk.\n" +
  "Late fee: $0.25 a day, $12.50 at most.";

const NOTHING = { has_text: false, text: "", language: null, confidence: 0 };

const fixture = (name: string) =>
  Deno.readFile(new URL(`../../fixtures/ocr/${name}`, import.meta.url));
const jpeg = async (picture: Sharp) =>
  new Uint8Array(await picture.jpeg({ quality: 85 }).toBuffer());
const plain = (background: string) =>
  jpeg(sharp({ create: { width: 900, height: 600, channels: 3, background } }));
const noise = (blur: number) => {
  const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
  const base = { width: 500, height: 350, channels: 3, background: "#888", noise } as const;
  const picture = sharp({ create: base });
  return jpeg(blur ? picture.blur(blur) : picture);
};

const problem = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof Problem && error.code === code && pattern.test(error.detail);

function ocrTest(name: string, test: (ocr: OcrReader) => Promise<void>): void {
  Deno.test(name, async () => {
    await using ocr = createOcr({ languages: "eng+fra", size: 1 });
    await test(ocr);
  });
}

ocrTest("read() gives text, language and confidence", async (ocr) => {
  const { confidence, ...page } = await ocr.read(await fixture("french.jpg"));
  assert.deepEqual(page, { has_text: true, text: FRENCH, language: "fr" });
  assert.ok(confidence > 0.85 && confidence <= 1);
  const english = await ocr.read(await fixture("english.jpg"));
  assert.deepEqual([english.text, english.language], [ENGLISH, "en"]);
  assert.deepEqual(ocr.languages(), ["eng", "fra"]);
});

ocrTest("read() reads small, faint and leaning print", async (ocr) => {
  assert.equal((await ocr.read(await fixture("small.jpg"))).text, ENGLISH);
  assert.equal((await ocr.read(await fixture("faint.jpg"))).text, FRENCH);
  assert.equal((await ocr.read(await fixture("tilted.jpg"))).text, ENGLISH);
});

ocrTest("read() reads a sign in a scene, and nothing beside it", async (ocr) => {
  const { has_text, text } = await ocr.read(await fixture("sign.jpg"));
  assert.deepEqual([has_text, text], [true, "Rue du Moulin"]);
});

ocrTest("read() reads PNG", async (ocr) => {
  const png = new Uint8Array(await sharp(await fixture("english.jpg")).png().toBuffer());
  assert.equal((await ocr.read(png)).text, ENGLISH);
});

ocrTest("read() finds nothing on blank pages and in noise", async (ocr) => {
  const empty = [plain("#fff"), plain("#000"), plain("#7a8b9c"), noise(0), noise(2), noise(5)];
  for (const picture of empty) assert.deepEqual(await ocr.read(await picture), NOTHING);
  const dot = { create: { width: 1, height: 1, channels: 3, background: "#f00" } } as const;
  assert.deepEqual(await ocr.read(await jpeg(sharp(dot))), NOTHING);
});

ocrTest("read() refuses what is no picture, and goes on", async (ocr) => {
  const junk = new TextEncoder().encode("not a picture");
  await assert.rejects(ocr.read(junk), problem("invalid_content", /decode/));
  await assert.rejects(ocr.read(new Uint8Array(0)), problem("invalid_content", /decode/));
  assert.equal((await ocr.read(await fixture("english.jpg"))).has_text, true);
  assert.equal(ocr.stats().crashed, 0);
});

ocrTest("read() stops at its deadline, and goes on", async (ocr) => {
  const picture = await fixture("english.jpg");
  await assert.rejects(
    ocr.read(picture, { deadlineMs: 1 }),
    problem("upstream_timeout", /OCR worker was stopped/),
  );
  assert.equal(ocr.stats().killed, 1);
  assert.equal((await ocr.read(picture)).has_text, true);
});

ocrTest("read() stops when its signal is aborted", async (ocr) => {
  const reason = new Error("no longer wanted");
  const reading = ocr.read(await fixture("english.jpg"), { signal: AbortSignal.abort(reason) });
  await assert.rejects(reading, reason);
});

Deno.test("createOcr() refuses languages that are not installed", () => {
  assert.throws(
    () => createOcr({ languages: "eng+klingon", size: 1 }),
    problem("invalid_request", /"klingon".*OCR_LANGUAGES may name eng, fra/),
  );
});

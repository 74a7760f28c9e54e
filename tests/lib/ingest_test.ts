import assert from "node:assert/strict";
import sharp from "sharp";
import { startApp } from "../helpers/app.ts";
import { corners, draftOf, ingest, jpeg, turned } from "../helpers/photos.ts";

const fixture = (name: string) => Deno.readFile(new URL(`../fixtures/${name}`, import.meta.url));

Deno.test("every orientation comes out upright, larger photos shrunk, smaller ones as they are", async () => {
  await using app = await startApp({ env: { MAX_DIM_PX: "48" } });
  const photos = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(turned));
  const draft = await draftOf(await ingest(app, [...photos, await jpeg(9, 40, 20)]));
  for (const [i, { media }] of draft.photos.slice(0, 8).entries()) {
    assert.deepEqual([media.width, media.height], [48, 32], `orientation ${i + 1}`);
    const bytes = await (await app.app.request(media.url)).bytes();
    assert.deepEqual(await corners(bytes), ["red", "green", "blue", "white"], `${i + 1}`);
  }
  const { width, height } = draft.photos[8]!.media;
  assert.deepEqual([width, height], [40, 20]);
});

Deno.test("PNG, GIF, WebP, AVIF, TIFF and transparency become JPEGs, alpha on white", async () => {
  await using app = await startApp();
  const upright = ["red", "green", "blue", "white"];
  const cases: [name: string, corners: string[]][] = [
    ["plain.png", upright],
    ["plain.gif", upright],
    // Its orientation is 6.
    ["camera.webp", ["blue", "red", "white", "green"]],
    ["plain.avif", upright],
    ["plain.tiff", upright],
  ];
  const names = [...cases.map(([name]) => name), "alpha.png"];
  const photos = await Promise.all(
    names.map(async (name) => ({ name, bytes: await fixture(name) })),
  );
  const draft = await draftOf(await ingest(app, photos));
  const made = await Promise.all(
    draft.photos.map(async ({ media }) => await (await app.app.request(media.url)).bytes()),
  );
  for (const bytes of made) assert.deepEqual([...bytes.subarray(0, 3)], [0xff, 0xd8, 0xff]);
  for (const [i, [name, expected]] of cases.entries()) {
    assert.deepEqual(await corners(made[i]!), expected, name);
  }
  const [, green] = await sharp(made.at(-1)!).extract({ left: 9, top: 9, width: 1, height: 1 })
    .raw().toBuffer();
  assert.ok(green! > 130 && green! < 155, `half of 30 and half of white is 142, not ${green}`);
});

Deno.test("no position, thumbnail, comment or trailing byte survives", async () => {
  await using app = await startApp();
  const camera = await fixture("camera.jpg");
  assert.ok(segments(camera).includes("e1"), "the fixture has EXIF");
  const secret = "SECRET-48.858N";
  const bytes = new Uint8Array([
    ...camera.subarray(0, 2),
    ...segment(0xe1, `http://ns.adobe.com/xap/1.0/\0<exif:GPSLatitude>${secret}`),
    ...segment(0xe2, `MPF\0${secret}`),
    ...segment(0xed, `Photoshop 3.0\0${secret}`),
    ...segment(0xfe, secret),
    ...camera.subarray(2),
    ...camera,
    ...new TextEncoder().encode(secret),
  ]);
  const draft = await draftOf(await ingest(app, [{ name: "camera.jpg", bytes }]));
  const shown = await (await app.app.request(draft.photos[0]!.media.url)).bytes();
  const text = new TextDecoder("latin1").decode(shown);
  for (const word of ["SECRET", "Exif", "GPS", "Imago", "ns.adobe", "Photoshop", "MPF"]) {
    assert.ok(!text.includes(word), word);
  }
  const harmless = new Set(["e0", "db", "c0", "c2", "c4", "dd", "da"]);
  assert.deepEqual(segments(shown).filter((marker) => !harmless.has(marker)), []);
  assert.deepEqual(text.split("\xff\xd8\xff").length, 2, "no picture in the picture");
  assert.equal(text.indexOf("\xff\xd9"), shown.length - 2, "nothing behind the end");
});

/** A JPEG segment: marker, length, text. */
function segment(marker: number, text: string): Uint8Array {
  const data = new TextEncoder().encode(text);
  return new Uint8Array([0xff, marker, (data.length + 2) >> 8, (data.length + 2) & 255, ...data]);
}

/** The markers of a JPEG in hex, up to its last scan (ITU-T T.81, annex B). */
function segments(bytes: Uint8Array): string[] {
  const found: string[] = [];
  for (let at = 2; at < bytes.length - 1;) {
    if (bytes[at] !== 0xff || [0x00, 0xff].includes(bytes[at + 1]!)) {
      at++;
      continue;
    }
    const marker = bytes[at + 1]!;
    if (marker === 0xd9) break;
    const bare = marker >= 0xd0 && marker <= 0xd7;
    if (!bare) found.push(marker.toString(16));
    at += bare ? 2 : 2 + bytes[at + 2]! * 256 + bytes[at + 3]!;
  }
  return found;
}

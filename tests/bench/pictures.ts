import { Buffer } from "node:buffer";
import sharp from "sharp";

/** A JPEG, cut where a comment may stand: behind the APPn segments. */
export type Picture = { name: string; megapixels: number; head: Uint8Array; tail: Uint8Array };

const SCENE = { width: 480, height: 360 };
const GRAIN_SIDE = 256;
/** Different scenes of each size. */
const VARIANTS = 3;

/**
 * Photo-like JPEGs of so many megapixels (4:3, quality 90): soft gradients, hard-edged shapes and
 * grain, always the same ones for the same version of sharp.
 */
export async function makePictures(megapixels: number[]): Promise<Picture[]> {
  const made: Picture[] = [];
  for (let variant = 0; variant < VARIANTS; variant++) {
    for (const size of megapixels) {
      const bytes = await draw(size, 1 + variant * 100 + size);
      made.push(await cut(`${size}mp-${variant}.jpg`, bytes));
    }
  }
  return made;
}

/** The JPEGs of a folder, by name. */
export async function loadPictures(folder: string): Promise<Picture[]> {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  const jpegs = names.filter((name) => /\.jpe?g$/i.test(name)).sort();
  if (jpegs.length === 0) throw new Error(`There is no JPEG in ${folder}`);
  return await Promise.all(
    jpegs.map(async (name) => cut(name, await Deno.readFile(`${folder}/${name}`))),
  );
}

/** The picture with a comment that no other has: equal pictures would share their results. */
export function unique({ head, tail }: Picture): Uint8Array<ArrayBuffer> {
  const comment = crypto.getRandomValues(new Uint8Array(16));
  const segment = [0xff, 0xfe, 0, 2 + comment.length, ...comment];
  const bytes = new Uint8Array(head.length + segment.length + tail.length);
  bytes.set(head);
  bytes.set(segment, head.length);
  bytes.set(tail, head.length + segment.length);
  return bytes;
}

async function draw(megapixels: number, seed: number): Promise<Uint8Array> {
  const height = Math.round(Math.sqrt(megapixels * 1e6 * 3 / 4));
  const width = Math.round(height * 4 / 3);
  const random = mulberry32(seed);
  const raw = { ...SCENE, channels: 3 } as const;
  const base = await sharp(scene(random), { raw }).resize(width, height, { fit: "fill" })
    .png({ compressionLevel: 0 }).toBuffer();
  return await sharp(base)
    .composite([{
      input: Buffer.from(grain(random)),
      raw: { width: GRAIN_SIDE, height: GRAIN_SIDE, channels: 3 },
      tile: true,
      blend: "soft-light",
    }])
    .jpeg({ quality: 90 }).toBuffer();
}

/** Sky, ground and a few dozen discs. */
function scene(random: () => number): Uint8Array {
  const { width, height } = SCENE;
  const discs = Array.from({ length: 60 }, () => ({
    x: random() * width,
    y: random() * height,
    radius: 4 + random() * 40,
    colour: [random() * 255, random() * 255, random() * 255],
  }));
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const disc = discs.find((it) => (it.x - x) ** 2 + (it.y - y) ** 2 < it.radius ** 2);
      const shade = [90 + 100 * y / height, 120 + 80 * x / width, 200 - 120 * y / height];
      for (let c = 0; c < 3; c++) pixels[at++] = (disc?.colour ?? shade)[c]! + random() * 12 - 6;
    }
  }
  return pixels;
}

function grain(random: () => number): Uint8Array {
  const pixels = new Uint8Array(GRAIN_SIDE * GRAIN_SIDE * 3);
  for (let at = 0; at < pixels.length; at++) pixels[at] = 128 + (random() + random() - 1) * 40;
  return pixels;
}

/** A small generator of numbers in 0..1 (T. Ettinger, public domain). */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function cut(name: string, bytes: Uint8Array): Promise<Picture> {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) throw new Error(`${name} is not a JPEG`);
  let at = 2;
  while (bytes[at] === 0xff && (bytes[at + 1]! & 0xf0) === 0xe0) {
    at += 2 + (bytes[at + 2]! << 8 | bytes[at + 3]!);
  }
  const { width, height } = await sharp(bytes).metadata();
  const megapixels = width * height / 1e6;
  return { name, megapixels, head: bytes.subarray(0, at), tail: bytes.subarray(at) };
}

import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { Problem } from "../../../lib/errors.ts";
import {
  createProbe,
  probe,
  type ProbeLimits,
  type ProbeResult,
} from "../../../lib/imaging/probe.ts";

const fixture = (name: string) => Deno.readFile(new URL(`../../fixtures/${name}`, import.meta.url));

function probeInChunks(bytes: Uint8Array, size: number): ProbeResult | string {
  const probe = createProbe();
  try {
    for (let at = 0; at < bytes.length; at += size) probe.push(bytes.slice(at, at + size));
    return probe.end();
  } catch (error) {
    if (error instanceof Problem) return `${error.code} ${error.detail}`;
    throw error;
  }
}

function refuses(
  bytes: Uint8Array,
  code: string,
  pattern: RegExp,
  limits: Partial<ProbeLimits> = {},
): void {
  assert.throws(
    () => probe(bytes, limits),
    (error) => error instanceof Problem && error.code === code && pattern.test(error.detail),
  );
}

const bytes = (...parts: (string | number[])[]) =>
  Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "string" ? [...part].map((letter) => letter.charCodeAt(0)) : part
    ),
  );
const u16 = (value: number) => [value >> 8, value & 255];
const u32 = (value: number) => [...u16(value >>> 16), ...u16(value & 0xffff)];

function png(width: number, height: number, depth = 8, colour = 2, ...chunks: Uint8Array[]) {
  const header = bytes("IHDR", u32(width), u32(height), [depth, colour, 0, 0, 0]);
  return bytes(
    [137],
    "PNG\r\n\x1a\n",
    u32(13),
    [...header],
    u32(crc32(header)),
    ...chunks.map((chunk) => [...chunk]),
    u32(1),
    "IDAT",
    [0],
    u32(0),
  );
}

function jpeg(sof: number, precision: number, width: number, height: number, scans: number) {
  const scan = [0xff, 0xda, ...u16(8), 1, 1, 0, 0, 0, 0, 17, 0xff, 0, 0xff, 0xd3, 42];
  return bytes(
    [0xff, 0xd8, 0xff, 0xe0, ...u16(16), ...new Array(14).fill(0)],
    [0xff, sof, ...u16(11), precision, ...u16(height), ...u16(width), 1, 1, 17, 0],
    Array.from({ length: scans }, () => scan).flat(),
    [0xff, 0xd9],
  );
}

const gifFrame = (width: number, height: number) => {
  const sides = [width & 255, width >> 8, height & 255, height >> 8];
  return [0x2c, 0, 0, 0, 0, ...sides, 0, 2, 2, 76, 1, 0];
};

Deno.test("probe() tells format, sides and orientation", async () => {
  const size = { rawWidth: 96, rawHeight: 64, width: 96, height: 64, orientation: 1, frames: 1 };
  const turned = { ...size, width: 64, height: 96, orientation: 6 };
  const expected: Record<string, [string, typeof size]> = {
    "plain.jpg": ["jpeg", size],
    "plain.png": ["png", size],
    "plain.gif": ["gif", size],
    "plain.avif": ["avif", size],
    "plain.tiff": ["tiff", size],
    "alpha.png": ["png", size],
    "camera.jpg": ["jpeg", turned],
    "camera.webp": ["webp", turned],
  };
  for (const [name, [format, sides]] of Object.entries(expected)) {
    const result = probe(await fixture(name));
    assert.deepEqual(result, { format, mime: `image/${format}`, ...sides, gamma: null }, name);
  }
});

Deno.test("createProbe() gives the same answer for chunks of any size", async () => {
  const names = ["camera.jpg", "camera.webp", "plain.png", "plain.gif", "plain.avif", "plain.tiff"];
  for (const name of [...names, "truncated.jpg", "huge_header.png"]) {
    const file = await fixture(name);
    const whole = probeInChunks(file, file.length);
    for (const size of [1, 2, 3, 7, 64, 1000]) {
      assert.deepEqual(probeInChunks(file, size), whole, `${name} in chunks of ${size}`);
    }
  }
});

Deno.test("createProbe() survives every truncation and every changed byte", async () => {
  for (const name of ["camera.jpg", "camera.webp", "plain.png", "plain.avif", "plain.tiff"]) {
    const file = await fixture(name);
    for (let at = 0; at < Math.min(file.length, 600); at++) {
      probeInChunks(file.subarray(0, at), 64);
      const changed = file.slice();
      changed[at]! ^= 0xff;
      probeInChunks(changed, 64);
    }
  }
});

Deno.test("probe() refuses what is none of our formats", () => {
  refuses(new Uint8Array(0), "invalid_content", /empty/);
  refuses(bytes([1, 2]), "unsupported_type", /not a JPEG/);
  refuses(bytes("BM", new Array(60).fill(0)), "unsupported_type", /^BMP is not supported/);
  refuses(bytes([0xef, 0xbb, 0xbf], "  <svg xmlns='a'/>"), "unsupported_type", /^SVG/);
  refuses(bytes("II+\0", new Array(60).fill(0)), "unsupported_type", /^BigTIFF/);
  refuses(bytes("<html>hello</html>"), "unsupported_type", /not a JPEG/);
});

Deno.test("probe() refuses sides and pixels over the limits", () => {
  refuses(png(0, 5), "invalid_content", /0 × 5/);
  refuses(png(30_001, 1), "invalid_content", /a side over 30000/);
  refuses(png(20_000, 20_000), "invalid_content", /over 100000000 pixels/);
  refuses(png(11, 10), "invalid_content", /over 100 pixels/, { maxPixels: 100 });
  refuses(jpeg(0xc0, 8, 65_500, 65_500, 1), "invalid_content", /a side over/);
  refuses(jpeg(0xc0, 8, 10, 0, 1), "invalid_content", /10 × 0/);
  assert.equal(probe(png(10_000, 10_000)).width, 10_000);
});

Deno.test("probe() refuses damaged PNG headers and floods of chunks", () => {
  const damaged = png(10, 10);
  damaged[30]! ^= 1;
  refuses(damaged, "invalid_content", /header is damaged/);
  refuses(png(10, 10, 4, 2), "invalid_content", /depth 4 with colour type 2/);
  const text = bytes(u32(0), "tEXt", u32(0));
  refuses(png(1, 1, 8, 2, ...new Array(1001).fill(text)), "invalid_content", /1000 extra chunks/);
});

Deno.test("probe() reads a PNG's gamma unless a profile overrides it", () => {
  const gamma = bytes(u32(4), "gAMA", u32(100_000), u32(0));
  const usual = bytes(u32(4), "gAMA", u32(45_455), u32(0));
  const srgb = bytes(u32(1), "sRGB", [0], u32(0));
  assert.equal(probe(png(1, 1, 8, 2, gamma)).gamma, 1);
  assert.equal(probe(png(1, 1, 8, 2, usual)).gamma, null);
  assert.equal(probe(png(1, 1, 8, 2, gamma, srgb)).gamma, null);
});

Deno.test("probe() refuses JPEGs that decoders choke on", () => {
  assert.equal(probe(jpeg(0xc2, 8, 10, 20, 100)).height, 20);
  refuses(jpeg(0xc2, 8, 10, 20, 101), "invalid_content", /over 100 scans/);
  refuses(jpeg(0xc9, 8, 10, 20, 1), "invalid_content", /arithmetic/);
  refuses(jpeg(0xc3, 8, 10, 20, 1), "invalid_content", /lossless/);
  refuses(jpeg(0xc1, 12, 10, 20, 1), "invalid_content", /12-bit/);
  refuses(bytes([0xff, 0xd8, 0xff], "<html>"), "invalid_content", /ends before its pixels/);
});

Deno.test("probe() counts the frames of a GIF and bounds their area", () => {
  const screen = (width: number, height: number) =>
    bytes("GIF89a", [width & 255, width >> 8, height & 255, height >> 8, 0, 0, 0]);
  const frames = (count: number) => Array.from({ length: count }, () => gifFrame(10, 10)).flat();
  assert.equal(probe(bytes([...screen(10, 10)], frames(5), [0x3b], frames(9))).frames, 5);
  refuses(bytes([...screen(65_535, 65_535)], frames(1)), "invalid_content", /a side over/);
  refuses(bytes([...screen(10, 10)], gifFrame(65_535, 9)), "invalid_content", /a side over/);
  refuses(bytes([...screen(10, 10)], frames(11)), "invalid_content", /An animation of 11/, {
    maxFramePixels: 1000,
  });
});

Deno.test("probe() stops at TIFF directories that point back", () => {
  const entry = (tag: number, value: number) => [...u16(tag), ...u16(4), ...u32(1), ...u32(value)];
  const loop = bytes("MM\0*", u32(8), u16(2), entry(256, 4), entry(257, 5), u32(8));
  assert.deepEqual([probe(loop).width, probe(loop).height, probe(loop).frames], [4, 5, 1]);
});

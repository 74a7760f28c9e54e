import { Problem } from "../errors.ts";
import type { ImageFormat } from "../model/image.ts";
import { parseGif } from "./probe_gif.ts";
import { parseIsobmff } from "./probe_isobmff.ts";
import { parseJpeg } from "./probe_jpeg.ts";
import { parsePng } from "./probe_png.ts";
import { parseTiff } from "./probe_tiff.ts";
import { parseWebp } from "./probe_webp.ts";
import { createScan, type Parser } from "./scan.ts";

export type ProbeLimits = {
  maxPixels: number;
  maxSide: number;
  /** Frames × area of an animation. */
  maxFramePixels: number;
  /** Scans of a JPEG; each costs a decoder a pass over the whole picture. */
  maxScans: number;
  /** Stop a JPEG at its first scan: for bytes that were probed in full before. */
  headerOnly: boolean;
};

export const PROBE_LIMITS: ProbeLimits = {
  maxPixels: 100_000_000,
  maxSide: 30_000,
  maxFramePixels: 5_000_000_000,
  maxScans: 100,
  headerOnly: false,
};

/** What the header says. Sides in pixels. */
export type ProbeResult = {
  format: ImageFormat;
  mime: string;
  /** As stored. */
  rawWidth: number;
  rawHeight: number;
  /** As seen: turned upright. */
  width: number;
  height: number;
  /** EXIF's 1..8; 1 where the file says nothing usable. */
  orientation: number;
  frames: number;
  /** Exponent of the stored values where a PNG says that it is not sRGB's (`gAMA`), else null. */
  gamma: number | null;
};

/** What a parser of one format fills in while the file streams by. */
export type Findings = {
  limits: ProbeLimits;
  width: number;
  height: number;
  orientation: number;
  frames: number;
  gamma: number | null;
  /** Set once pixel data has begun: whether the rest is whole is for the decoder to say. */
  hasPixels: boolean;
};

const MIMES: Record<ImageFormat, string> = {
  jpeg: "image/jpeg",
  png: "image/png",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  tiff: "image/tiff",
  heic: "image/heic",
};

const PARSERS: Record<ImageFormat, (found: Findings) => Parser> = {
  jpeg: parseJpeg,
  png: parsePng,
  gif: parseGif,
  webp: parseWebp,
  avif: parseIsobmff,
  heic: parseIsobmff,
  tiff: parseTiff,
};

/** Enough bytes to know every format by: `ftyp` with its first compatible brands. */
const MAGIC_BYTES = 32;

/**
 * Checks a picture's header while the file streams by, in constant memory and without decoding.
 * `push` and `end` throw a `Problem`: `unsupported_type` for what is none of our formats,
 * `invalid_content` for a damaged header, sides or pixels over the limits, a file built to cost its
 * reader too much, or an empty one.
 */
export function createProbe(limits: Partial<ProbeLimits> = {}) {
  const found: Findings = {
    limits: { ...PROBE_LIMITS, ...limits },
    ...{ width: 0, height: 0, orientation: 1, frames: 0, gamma: null, hasPixels: false },
  };
  let magic = new Uint8Array(0);
  let format: ImageFormat | undefined;
  let scan: ReturnType<typeof createScan> | undefined;

  function push(chunk: Uint8Array): void {
    if (scan) return scan.push(chunk);
    magic = concat(magic, chunk);
    if (magic.length >= MAGIC_BYTES) begin();
  }

  function begin(): void {
    format = formatOf(magic);
    if (!format) throw new Problem("unsupported_type", refusal(magic));
    scan = createScan(PARSERS[format](found));
    scan.push(magic);
  }

  function end(): ProbeResult {
    if (!scan && magic.length === 0) throw new Problem("invalid_content", "The file is empty");
    if (!scan) begin();
    if (!scan!.done() && !found.hasPixels) {
      throw new Problem("invalid_content", "The file ends before its pixels begin");
    }
    return resultOf(format!, found);
  }

  return { push, end };
}

/** Probes bytes at hand. */
export function probe(bytes: Uint8Array, limits: Partial<ProbeLimits> = {}): ProbeResult {
  const probe = createProbe(limits);
  probe.push(bytes);
  return probe.end();
}

/** Throws unless the sides are within the limits. Parsers call it as soon as they know them. */
export function checkSize(
  width: number,
  height: number,
  { maxSide, maxPixels }: ProbeLimits,
): void {
  const size = `${width} × ${height}`;
  if (width < 1 || height < 1) {
    throw new Problem("invalid_content", `The picture is ${size} pixels`);
  }
  if (width > maxSide || height > maxSide) {
    throw new Problem("invalid_content", `The picture is ${size} pixels, a side over ${maxSide}`);
  }
  if (width * height > maxPixels) {
    throw new Problem("invalid_content", `The picture is ${size}, over ${maxPixels} pixels`);
  }
}

function resultOf(format: ImageFormat, found: Findings): ProbeResult {
  const { width, height, orientation, frames, gamma, limits } = found;
  checkSize(width, height, limits);
  const [uprightWidth, uprightHeight] = orientation >= 5 ? [height, width] : [width, height];
  return {
    ...{ format, mime: MIMES[format], rawWidth: width, rawHeight: height },
    ...{
      width: uprightWidth,
      height: uprightHeight,
      orientation,
      frames: Math.max(1, frames),
      gamma,
    },
  };
}

/** The format by the first bytes, whatever a name or a header says. */
export function formatOf(bytes: Uint8Array): ImageFormat | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, MAGIC_BYTES));
  if (text.startsWith("\xff\xd8\xff")) return "jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return "png";
  if (text.startsWith("GIF87a") || text.startsWith("GIF89a")) return "gif";
  if (/^RIFF[^]{4}WEBP/.test(text)) return "webp";
  if (text.startsWith("II*\0") || text.startsWith("MM\0*")) return "tiff";
  return brandOf(bytes, text);
}

function brandOf(bytes: Uint8Array, text: string): ImageFormat | undefined {
  if (text.slice(4, 8) !== "ftyp") return;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const brands = text.slice(8, Math.min(length, text.length)).match(/[^]{4}/g) ?? [];
  if (brands.some((brand) => brand === "avif" || brand === "avis")) return "avif";
  const heif = ["heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1"];
  if (brands.some((brand) => heif.includes(brand))) return "heic";
}

const STRANGERS: [starts: string[], name: string][] = [
  [["BM"], "BMP"],
  [["\xff\x0a", "\0\0\0\x0cJXL "], "JPEG XL"],
  [["II+\0", "MM\0+"], "BigTIFF"],
  [["%PDF"], "PDF"],
  [["<?xml", "<svg", "<!DOCTYPE svg"], "SVG"],
];

function refusal(bytes: Uint8Array): string {
  const text = String.fromCharCode(...bytes.subarray(0, MAGIC_BYTES));
  const bare = text.replace(/^\xef\xbb\xbf/, "").trimStart();
  const name = STRANGERS.find(([starts]) => starts.some((start) => bare.startsWith(start)))?.[1];
  const list = "JPEG, PNG, GIF, WebP, AVIF, TIFF or HEIC";
  return name ? `${name} is not supported: send ${list}` : `The file is not a ${list} picture`;
}

function concat(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(left.length + right.length);
  joined.set(left);
  joined.set(right, left.length);
  return joined;
}

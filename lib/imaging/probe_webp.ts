import { Problem } from "../errors.ts";
import { checkSize, type Findings } from "./probe.ts";
import { checkFrames } from "./probe_png.ts";
import { bytesOf, fourCc, type Parser } from "./scan.ts";
import { orientationOf } from "./tiff_orientation.ts";

const MAX_EXIF_BYTES = 1 << 16;
const MAX_CHUNKS = 100_000;

/** RIFF chunks of a WebP container (RFC 9649): VP8, VP8L or VP8X with its frames and EXIF. */
export function* parseWebp(found: Findings): Parser {
  let left = (yield 12).getUint32(4, true) - 4;
  for (let chunks = 0; left >= 8; chunks++) {
    if (chunks > MAX_CHUNKS) throw new Problem("invalid_content", "The WebP has too many chunks");
    const chunk = yield 8;
    const length = chunk.getUint32(4, true);
    const padded = length + (length % 2);
    yield* content(found, fourCc(chunk, 0), length, padded);
    left -= 8 + padded;
  }
  if (!found.hasPixels) throw new Problem("invalid_content", "The WebP has no pixels");
}

function* content(found: Findings, type: string, length: number, padded: number): Parser {
  let taken = 0;
  if (type === "VP8X" && length >= 10) {
    const view = yield taken = 10;
    setSize(found, 1 + uint24(view, 4), 1 + uint24(view, 7));
  } else if (type === "VP8 " && length >= 10) {
    const view = yield taken = 10;
    if (uint24(view, 3) !== 0x2a019d) throw new Problem("invalid_content", "The WebP is damaged");
    checkBitstream(found, view.getUint16(6, true) & 0x3fff, view.getUint16(8, true) & 0x3fff);
  } else if (type === "VP8L" && length >= 5) {
    const view = yield taken = 5;
    if (view.getUint8(0) !== 0x2f) throw new Problem("invalid_content", "The WebP is damaged");
    const bits = view.getUint32(1, true);
    checkBitstream(found, 1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff));
  } else if (type === "ANMF" && length >= 16) {
    const view = yield taken = 16;
    checkSize(1 + uint24(view, 6), 1 + uint24(view, 9), found.limits);
    found.hasPixels = true;
    found.frames++;
    checkFrames(found);
  } else if (type === "EXIF") {
    taken = Math.min(length, MAX_EXIF_BYTES);
    found.orientation = orientationOf(tiffPart(bytesOf(yield taken)));
  }
  yield { skip: padded - taken };
}

/** The canvas of VP8X counts; a bare bitstream is its own canvas. */
function checkBitstream(found: Findings, width: number, height: number): void {
  checkSize(width, height, found.limits);
  if (found.width === 0) setSize(found, width, height);
  found.hasPixels = true;
}

function setSize(found: Findings, width: number, height: number): void {
  checkSize(width, height, found.limits);
  [found.width, found.height] = [width, height];
}

/** Some writers keep JPEG's "Exif\0\0" in front of the block. */
export function tiffPart(block: Uint8Array): Uint8Array {
  const prefixed = String.fromCharCode(...block.subarray(0, 6)) === "Exif\0\0";
  return prefixed ? block.subarray(6) : block;
}

function uint24(view: DataView, at: number): number {
  return view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
}

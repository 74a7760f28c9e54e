import { crc32 } from "node:zlib";
import { Problem } from "../errors.ts";
import { checkSize, type Findings } from "./probe.ts";
import { bytesOf, fourCc, type Parser } from "./scan.ts";
import { orientationOf } from "./tiff_orientation.ts";

/** Bit depths that the PNG specification (11.2.1) allows for each colour type. */
const DEPTHS: Record<number, number[]> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};
const MAX_EXIF_BYTES = 1 << 16;
/** Text, profiles, times: a picture has a dozen; thousands are there to cost their reader. */
const MAX_ANCILLARY = 1000;

/** Chunks up to IEND. Compressed text and profiles are skipped, never inflated. */
export function* parsePng(found: Findings): Parser {
  yield { skip: 8 };
  yield* header(found);
  let hasProfile = false;
  for (let ancillary = 0; ancillary <= MAX_ANCILLARY;) {
    const chunk = yield 8;
    const [length, type] = [chunk.getUint32(0), fourCc(chunk, 4)];
    if (length > 0x7fffffff || !/^[A-Za-z]{4}$/.test(type)) {
      throw new Problem("invalid_content", "The PNG has a damaged chunk");
    }
    if (type === "IEND") return;
    hasProfile ||= type === "sRGB" || type === "iCCP";
    if (hasProfile || !isUnusual(found.gamma)) found.gamma = null;
    if (type === "IDAT") found.hasPixels = true;
    else if (type !== "fdAT") ancillary++;
    yield* content(found, type, length);
    yield { skip: 4 };
  }
  throw new Problem("invalid_content", `The PNG has over ${MAX_ANCILLARY} extra chunks`);
}

function* header(found: Findings): Parser {
  const chunk = yield 25;
  if (chunk.getUint32(0) !== 13 || fourCc(chunk, 4) !== "IHDR") {
    throw new Problem("invalid_content", "The PNG does not begin with its header");
  }
  if (crc32(bytesOf(chunk).subarray(4, 21)) !== chunk.getUint32(21)) {
    throw new Problem("invalid_content", "The PNG's header is damaged");
  }
  const [depth, colour] = [chunk.getUint8(16), chunk.getUint8(17)];
  if (!DEPTHS[colour]?.includes(depth) || chunk.getUint8(20) > 1) {
    throw new Problem("invalid_content", `The PNG has depth ${depth} with colour type ${colour}`);
  }
  found.width = chunk.getUint32(8);
  found.height = chunk.getUint32(12);
  checkSize(found.width, found.height, found.limits);
}

function* content(found: Findings, type: string, length: number): Parser {
  if (type === "eXIf" && length <= MAX_EXIF_BYTES) {
    found.orientation = orientationOf(bytesOf(yield length));
  } else if (type === "acTL" && length === 8) {
    found.frames = (yield 8).getUint32(0);
    checkFrames(found);
  } else if (type === "gAMA" && length === 4) {
    found.gamma = (yield 4).getUint32(0) / 100_000;
  } else {
    yield { skip: length };
  }
}

/** sRGB's own value is 0.45455; files that are off by a rounding mean the same. */
function isUnusual(gamma: number | null): boolean {
  return gamma !== null && gamma > 0.1 && gamma < 10 && Math.abs(gamma - 0.45455) > 0.02;
}

/** Throws when an animation holds more pixels than anyone should have to decode. */
export function checkFrames({ width, height, frames, limits }: Findings): void {
  if (frames * width * height > limits.maxFramePixels) {
    throw new Problem("invalid_content", `An animation of ${frames} such frames is too large`);
  }
}

import { Problem } from "../errors.ts";
import { boxesIn, primaryProperties } from "./isobmff.ts";
import { checkSize, type Findings } from "./probe.ts";
import { fourCc, type Parser } from "./scan.ts";

const MAX_BOXES = 10_000;

/** EXIF's number for a turn (irot, quarter turns anticlockwise) followed by a mirror (imir). */
const ORIENTATIONS = [[1, 4, 2], [8, 5, 7], [3, 2, 4], [6, 7, 5]];

/** HEIF (ISO/IEC 23008-12): top-level boxes up to `meta`, which tells size and turn of the picture. */
export function* parseIsobmff(found: Findings): Parser {
  for (let boxes = 0; boxes < MAX_BOXES; boxes++) {
    const header = yield 8;
    const type = fourCc(header, 4);
    let length = header.getUint32(0) - 8;
    if (length === -7) length = Number((yield 8).getBigUint64(0)) - 16;
    if (length < 0) break;
    if (type === "meta") return readMeta(found, yield length);
    yield { skip: length };
  }
  throw new Problem("invalid_content", "The file has no picture where HEIF and AVIF have theirs");
}

function readMeta(found: Findings, meta: DataView): void {
  const { size, turns, mirror, sizes } = primaryProperties(boxesIn(meta, 4));
  for (const { width, height } of sizes) checkSize(width, height, found.limits);
  if (!size) throw new Problem("invalid_content", "The picture does not say its size");
  found.width = size.width;
  found.height = size.height;
  found.orientation = ORIENTATIONS[turns]![mirror === undefined ? 0 : mirror + 1]!;
  found.hasPixels = true;
}

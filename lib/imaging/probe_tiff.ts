import { Problem } from "../errors.ts";
import { checkSize, type Findings } from "./probe.ts";
import type { Parser } from "./scan.ts";
import { validOrientation } from "./tiff_orientation.ts";

const WIDTH = 256, HEIGHT = 257, ORIENTATION = 274, TILE_WIDTH = 322, TILE_HEIGHT = 323;
const SHORT = 3, LONG = 4;
const MAX_ENTRIES = 1000;
const MAX_PAGES = 1000;

/** TIFF 6.0: the first directory, wherever it stands; later ones are counted while they lie ahead. */
export function* parseTiff(found: Findings): Parser {
  const head = yield 8;
  const little = head.getUint8(0) === 0x49;
  let position = 8;
  let offset = head.getUint32(4, little);
  while (offset >= position && found.frames < MAX_PAGES) {
    yield { skip: offset - position };
    const count = (yield 2).getUint16(0, little);
    if (count === 0 || count > MAX_ENTRIES) break;
    const entries = yield 12 * count + 4;
    if (found.frames++ === 0) readDirectory(found, entries, count, little);
    position = offset + 2 + 12 * count + 4;
    offset = entries.getUint32(12 * count, little);
  }
  if (!found.hasPixels) throw new Problem("invalid_content", "The TIFF's directory is damaged");
}

function readDirectory(found: Findings, view: DataView, count: number, little: boolean): void {
  const tags = new Map<number, number>();
  for (let entry = 0; entry < 12 * count; entry += 12) {
    const [tag, type] = [view.getUint16(entry, little), view.getUint16(entry + 2, little)];
    if (type === SHORT) tags.set(tag, view.getUint16(entry + 8, little));
    if (type === LONG) tags.set(tag, view.getUint32(entry + 8, little));
  }
  found.width = tags.get(WIDTH) ?? 0;
  found.height = tags.get(HEIGHT) ?? 0;
  found.orientation = validOrientation(tags.get(ORIENTATION));
  checkSize(found.width, found.height, found.limits);
  checkSize(tags.get(TILE_WIDTH) ?? 1, tags.get(TILE_HEIGHT) ?? 1, found.limits);
  found.hasPixels = true;
}

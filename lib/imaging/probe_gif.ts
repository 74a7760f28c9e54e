import { Problem } from "../errors.ts";
import { checkSize, type Findings } from "./probe.ts";
import { checkFrames } from "./probe_png.ts";
import type { Parser, Scanner } from "./scan.ts";

const EXTENSION = 0x21, IMAGE = 0x2c, TRAILER = 0x3b;

/** GIF89a, section 17 on: every frame is visited, none is unpacked. */
export function* parseGif(found: Findings): Parser {
  const screen = yield 13;
  found.width = screen.getUint16(6, true);
  found.height = screen.getUint16(8, true);
  checkSize(found.width, found.height, found.limits);
  yield { skip: colourTable(screen.getUint8(10)) };
  for (;;) {
    const block = (yield 1).getUint8(0);
    if (block === TRAILER) return;
    if (block === EXTENSION) yield { skip: 1 };
    else if (block === IMAGE) yield* frame(found);
    else if (found.hasPixels) return; // Decoders stop at stray bytes after a frame.
    else throw new Problem("invalid_content", "The GIF has a damaged block");
    yield { until: endOfSubBlocks() };
  }
}

function* frame(found: Findings): Parser {
  const descriptor = yield 9;
  const right = descriptor.getUint16(0, true) + descriptor.getUint16(4, true);
  const bottom = descriptor.getUint16(2, true) + descriptor.getUint16(6, true);
  checkSize(Math.max(right, found.width), Math.max(bottom, found.height), found.limits);
  found.frames++;
  checkFrames(found);
  yield { skip: colourTable(descriptor.getUint8(8)) + 1 };
  found.hasPixels = true;
}

function colourTable(flags: number): number {
  return flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0;
}

/** Data comes in blocks, each with its length in front; a length of 0 ends them. */
function endOfSubBlocks(): Scanner {
  let left = 0;
  return (chunk, from) => {
    for (let at = from + left;;) {
      if (at >= chunk.length) {
        left = at - chunk.length;
        return -1;
      }
      const length = chunk[at]!;
      if (length === 0) return at + 1;
      at += length + 1;
    }
  };
}

import type { Pixels } from "../imaging/imaging.ts";
import { resample } from "../imaging/resample.ts";
import { greyOf } from "./motion.ts";

const COLUMNS = 32;
const ROWS = 32;
/** Grey values that neighbours must differ by: else noise decides. */
const MARGIN = 6;
/** Bits, of 1,024, in which pictures that look the same may differ. */
const ALIKE = 8;

/**
 * A perceptual hash: is each of 33 × 32 grey values clearly darker than its right neighbour? It is
 * N. Krawetz's dHash, finer than his 64 bits, for a person may be a small part of a camera's picture.
 */
export function fingerprintOf(pixels: Pixels): Uint8Array {
  const small = resample({ ...pixels, channels: 3 }, { width: COLUMNS + 1, height: ROWS });
  const grey = greyOf(small);
  const bits = new Uint8Array(COLUMNS * ROWS);
  for (let y = 0; y < ROWS; y++) {
    for (let x = 0; x < COLUMNS; x++) {
      const at = y * (COLUMNS + 1) + x;
      bits[y * COLUMNS + x] = Number(grey[at]! + MARGIN < grey[at + 1]!);
    }
  }
  return bits;
}

/** Whether two pictures show the same, as far as fingerprints tell. */
export function areAlike(one: Uint8Array, other: Uint8Array): boolean {
  let different = 0;
  for (let at = 0; at < one.length; at++) different += Number(one[at] !== other[at]);
  return different <= ALIKE;
}

import { rgbaToThumbHash } from "thumbhash";
import type { Picture } from "./engine.ts";
import { toRgba } from "./pixels.ts";
import { resample } from "./resample.ts";

/** ThumbHash takes at most 100, and keeps no more detail than 32 give it. */
export const PLACEHOLDER_SIDE = 32;

export type Placeholders = {
  /** base64 of https://evanw.github.io/thumbhash: some 25 bytes that paint a blurred preview. */
  thumbhash: string;
  /** 64 bits as 16 hex digits; pictures that look alike differ in few of them. */
  dhash: string;
};

/** Takes a small picture without alpha, at most 100 pixels a side. */
export function placeholdersOf(picture: Picture): Placeholders {
  const hash = rgbaToThumbHash(picture.width, picture.height, toRgba(picture));
  return { thumbhash: btoa(String.fromCharCode(...hash)), dhash: differenceHash(picture) };
}

/** Is each of 9 × 8 grey values smaller than its right neighbour? (N. Krawetz, "Kind of Like That") */
function differenceHash(picture: Picture): string {
  const [width, height] = [9, 8];
  const rgba = toRgba(resample(picture, { width, height }));
  const grey = (at: number) =>
    0.299 * rgba[4 * at]! + 0.587 * rgba[4 * at + 1]! + 0.114 * rgba[4 * at + 2]!;
  let bits = 0n;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width - 1; x++) {
      bits = bits << 1n | (grey(y * width + x) < grey(y * width + x + 1) ? 1n : 0n);
    }
  }
  return bits.toString(16).padStart(16, "0");
}

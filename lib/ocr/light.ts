import type { Page } from "./page.ts";

/** Side of the tiles whose median grey is taken for the ground, in px: larger than most letters. */
const TILE = { paper: 64, scene: 96 };

/** Strokes of letters on a sign differ at least so much from their ground, of 255. */
const LEAST_STROKE = 45;
/** Strokes that differ by so much more are drawn black. */
const STROKE_RANGE = 80;

/**
 * The page in even light: its ground (paper, wall, sky) becomes middle grey wherever it was lighter
 * or darker, so that one threshold serves the whole page.
 */
export function evenLight(page: Page): Page {
  return mapAgainstGround(page, TILE.paper, (difference) => 128 + difference / 2);
}

/**
 * Only what is clearly lighter (or darker) than its surroundings, in black on white: of a
 * photographed sign the letters remain, and of the scene behind it little.
 */
export function strokes(page: Page, kind: "light" | "dark"): Page {
  const sign = kind === "light" ? 1 : -1;
  return mapAgainstGround(page, TILE.scene, (difference) => {
    const excess = Math.max(0, difference * sign - LEAST_STROKE);
    return Math.max(0, 255 - excess * 255 / STROKE_RANGE);
  });
}

/** How often the rows of a page change between black and white. */
export function countEdges({ grey }: Page): number {
  let edges = 0;
  for (let at = 1; at < grey.length; at++) {
    if (grey[at]! < 128 !== grey[at - 1]! < 128) edges++;
  }
  return edges;
}

function mapAgainstGround(
  { width, height, grey }: Page,
  tile: number,
  draw: (difference: number) => number,
): Page {
  const columns = Math.ceil(width / tile);
  const rows = Math.ceil(height / tile);
  const ground = smooth(tileMedians({ width, height, grey }, columns, rows), columns, rows);
  const table = Uint8ClampedArray.from({ length: 511 }, (_, index) => draw(index - 255));
  const across = Array.from({ length: width }, (_, x) => between(x, width, columns));
  const result = new Uint8Array(grey.length);
  for (let y = 0, at = 0; y < height; y++) {
    const down = between(y, height, rows);
    for (let x = 0; x < width; x++, at++) {
      const { first, second, part } = across[x]!;
      const upper = mix(ground, down.first * columns, first, second, part);
      const lower = mix(ground, down.second * columns, first, second, part);
      const level = upper + (lower - upper) * down.part;
      result[at] = table[Math.round(grey[at]! - level) + 255]!;
    }
  }
  return { width, height, grey: result };
}

/** Between the centres of which two tiles a pixel lies, and how far towards the second. */
function between(pixel: number, pixels: number, tiles: number) {
  const position = Math.max(0, (pixel + 0.5) * tiles / pixels - 0.5);
  const first = Math.min(tiles - 1, Math.floor(position));
  return { first, second: Math.min(tiles - 1, first + 1), part: position - first };
}

function mix(ground: Uint8Array, row: number, first: number, second: number, part: number) {
  return ground[row + first]! + (ground[row + second]! - ground[row + first]!) * part;
}

function tileMedians({ width, height, grey }: Page, columns: number, rows: number): Uint8Array {
  const medians = new Uint8Array(columns * rows);
  const edge = (index: number, tiles: number, pixels: number) => Math.floor(index * pixels / tiles);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const histogram = new Uint32Array(256);
      const [left, right] = [edge(column, columns, width), edge(column + 1, columns, width)];
      const [top, bottom] = [edge(row, rows, height), edge(row + 1, rows, height)];
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) histogram[grey[y * width + x]!]!++;
      }
      medians[row * columns + column] = medianOf(histogram, (right - left) * (bottom - top));
    }
  }
  return medians;
}

function medianOf(histogram: Uint32Array, count: number): number {
  let value = 0;
  for (let seen = histogram[0]!; seen * 2 < count; seen += histogram[++value]!);
  return value;
}

/** Each tile takes the median of itself and its neighbours: one full of ink does not count. */
function smooth(medians: Uint8Array, columns: number, rows: number): Uint8Array {
  return medians.map((_, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns];
    const around: number[] = [];
    for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++) {
      for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) {
        around.push(medians[y * columns + x]!);
      }
    }
    return around.sort((one, other) => one - other)[around.length >> 1]!;
  });
}

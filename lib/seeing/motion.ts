import type { Pixels } from "../imaging/imaging.ts";
import type { Zone } from "../model/camera.ts";
import type { Box } from "../model/event.ts";
import { isIn } from "./zones.ts";

/** Pictures are looked at no wider or higher than this: enough to see a person, little to compute. */
export const MOTION_SIDE = 160;
/** The first pictures teach what is usual. */
const WARM_UP = 2;
/** Grey values (0..255) by which a spot must differ from what is usual there. */
const MIN_DIFFERENCE = 18;
/** A spot that flickers must differ by so many times its usual flicker. */
const NOISE_FACTOR = 4;
/** How fast the usual follows: a share of the difference, a picture. What moves is learnt slowly. */
const LEARNING = { warmUp: 0.5, still: 0.1, moved: 0.02 };
/** When more of the picture than this changes at once, a lamp was switched or the camera moved. */
const MAX_SHARE = 0.7;
/** Side of the blocks in which changed spots are counted, and how many of them make one changed. */
const BLOCK = 4;
const SPOTS_IN_BLOCK = 6;

export type Movement = {
  /** Where, in shares of the picture's sides. */
  box: Box;
  /** Share of the zones (or of the whole picture) that moved together. */
  area: number;
};

export type MotionOptions = {
  /** Share of the zones that must move together. */
  minArea: number;
  /** Where to look; everywhere when there are none. */
  zones: readonly Zone[];
};

/**
 * Finds what moves in a camera's pictures: each spot of the grey picture is compared with a running
 * average of itself, and with how much it usually differs (one Gaussian a spot, after Wren et al.,
 * "Pfinder", 1997). Light that grows or fades everywhere is taken off first; when most of the picture
 * changes at once, it is learnt anew. Changed spots count by blocks that touch: noise is scattered.
 */
export function createMotion({ minArea, zones }: MotionOptions) {
  let model: Model | null = null;

  return {
    /** What moved in this picture; null for nothing, and while the usual is being learnt. */
    look(pixels: Pixels): Movement | null {
      const grey = greyOf(pixels);
      if (!model || model.width !== pixels.width || model.height !== pixels.height) {
        model = modelOf(pixels, grey);
        return null;
      }
      model.seen++;
      const isWarm = model.seen > WARM_UP;
      const blocks = blocksOf(model, compare(model, grey, isWarm));
      if (!isWarm) return null;
      if (shareOf(blocks) > MAX_SHARE) {
        model = modelOf(pixels, grey);
        return null;
      }
      return movementIn(blocks, zones, minArea);
    },
  };
}

export type Motion = ReturnType<typeof createMotion>;

type Model = {
  width: number;
  height: number;
  /** Pictures that it has seen. */
  seen: number;
  /** What is usual at each spot, and by how much that usually differs. */
  mean: Float32Array;
  spread: Float32Array;
};

/** Which blocks of the picture changed. */
type Blocks = { columns: number; rows: number; changed: Uint8Array };

function modelOf({ width, height }: Pixels, grey: Uint8Array): Model {
  const mean = Float32Array.from(grey);
  return { width, height, seen: 1, mean, spread: new Float32Array(mean.length) };
}

/** Rec. 601 luma. */
export function greyOf({ data }: Pixels): Uint8Array {
  const grey = new Uint8Array(data.length / 3);
  for (let at = 0, from = 0; at < grey.length; at++, from += 3) {
    grey[at] = 0.299 * data[from]! + 0.587 * data[from + 1]! + 0.114 * data[from + 2]!;
  }
  return grey;
}

/** Marks the spots that are not as usual, and learns from all of them. */
function compare({ mean, spread }: Model, grey: Uint8Array, isWarm: boolean): Uint8Array {
  const changed = new Uint8Array(grey.length);
  const light = medianDifference(grey, mean);
  for (let at = 0; at < grey.length; at++) {
    const difference = Math.abs(grey[at]! - mean[at]! - light);
    changed[at] = Number(difference > Math.max(MIN_DIFFERENCE, NOISE_FACTOR * spread[at]!));
    const rate = !isWarm ? LEARNING.warmUp : changed[at] ? LEARNING.moved : LEARNING.still;
    mean[at]! += rate * (grey[at]! - mean[at]!);
    spread[at]! += rate * (difference - spread[at]!);
  }
  return changed;
}

/** By how much most of the picture became lighter; what moves hardly matters to a median. */
function medianDifference(grey: Uint8Array, mean: Float32Array): number {
  const counts = new Uint32Array(511);
  for (let at = 0; at < grey.length; at++) counts[Math.round(grey[at]! - mean[at]!) + 255]!++;
  let below = 0;
  const median = counts.findIndex((count) => (below += count) >= grey.length / 2);
  return median - 255;
}

function blocksOf({ width, height }: Model, spots: Uint8Array): Blocks {
  const [columns, rows] = [Math.ceil(width / BLOCK), Math.ceil(height / BLOCK)];
  const counts = new Uint8Array(columns * rows);
  for (let y = 0, at = 0; y < height; y++) {
    const row = Math.floor(y / BLOCK) * columns;
    for (let x = 0; x < width; x++, at++) counts[row + Math.floor(x / BLOCK)]! += spots[at]!;
  }
  return { columns, rows, changed: counts.map((count) => Number(count >= SPOTS_IN_BLOCK)) };
}

function shareOf({ changed }: Blocks): number {
  return changed.reduce((sum, value) => sum + value, 0) / changed.length;
}

/** The largest group of changed blocks within the zones, where it is large enough. */
function movementIn(blocks: Blocks, zones: readonly Zone[], minArea: number): Movement | null {
  const { columns, rows } = blocks;
  const inside = Array.from(blocks.changed, (_, at) => {
    const [x, y] = [at % columns, Math.floor(at / columns)];
    return isIn(zones, { x: (x + 0.5) / columns, y: (y + 0.5) / rows });
  });
  const watched = inside.filter(Boolean).length;
  const largest = groupsOf(blocks, inside).toSorted((a, b) => b.length - a.length)[0] ?? [];
  const area = watched ? largest.length / watched : 0;
  return largest.length && area >= minArea ? { box: boxOf(largest, blocks), area } : null;
}

/** Changed blocks that touch each other, by their places. */
function groupsOf({ columns, changed }: Blocks, inside: boolean[]): number[][] {
  const left = new Set(inside.flatMap((is, at) => is && changed[at] ? [at] : []));
  const groups: number[][] = [];
  for (const first of left) {
    const group = [first];
    left.delete(first);
    for (const at of group) {
      const x = at % columns;
      const beside = [at - columns, at + columns, ...(x ? [at - 1] : [])];
      if (x < columns - 1) beside.push(at + 1);
      for (const next of beside) if (left.delete(next)) group.push(next);
    }
    groups.push(group);
  }
  return groups;
}

function boxOf(group: number[], { columns, rows }: Blocks): Box {
  const xs = group.map((at) => at % columns);
  const ys = group.map((at) => Math.floor(at / columns));
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return {
    x: round(left / columns),
    y: round(top / rows),
    width: round((Math.max(...xs) + 1 - left) / columns),
    height: round((Math.max(...ys) + 1 - top) / rows),
  };
}

/** Shares to the thousandth, which no box exceeds by. */
function round(value: number): number {
  return Math.floor(value * 1000) / 1000;
}

import type { Picture, Size } from "./engine.ts";

const LOBES = 3;

/**
 * Resizes with a Lanczos window of three lobes, widened when shrinking so that nothing aliases:
 * first rows, then columns (Turkowski, "Filters for Common Resampling Tasks", 1990). Colours are
 * weighted by alpha, so that what is invisible does not bleed.
 */
export function resample(picture: Picture, { width, height }: Size): Picture {
  if (picture.width === width && picture.height === height) return picture;
  const hasAlpha = picture.channels === 4;
  const source = hasAlpha ? premultiply(picture.data) : picture.data;
  const { channels } = picture;
  const across = new Float32Array(width * picture.height * channels);
  shrinkRows(source, picture.width, across, width, picture.height, channels);
  const down = new Float32Array(width * height * channels);
  shrinkColumns(across, picture.height, down, height, width * channels);
  return { width, height, channels, data: hasAlpha ? unpremultiply(down) : clamp(down) };
}

type Taps = { first: Int32Array; weights: Float32Array; count: number };

/** For each target position the first source position and the weights from there on. */
function taps(from: number, to: number): Taps {
  const scale = Math.max(1, from / to);
  const radius = LOBES * scale;
  const count = Math.min(from, Math.ceil(2 * radius) + 1);
  const first = new Int32Array(to);
  const weights = new Float32Array(to * count);
  for (let target = 0; target < to; target++) {
    const centre = (target + 0.5) * (from / to) - 0.5;
    const start = Math.max(0, Math.min(from - count, Math.ceil(centre - radius)));
    first[target] = start;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      sum += weights[target * count + i] = lanczos((start + i - centre) / scale);
    }
    for (let i = 0; i < count; i++) weights[target * count + i]! /= sum;
  }
  return { first, weights, count };
}

function lanczos(x: number): number {
  if (x === 0) return 1;
  if (Math.abs(x) >= LOBES) return 0;
  const angle = Math.PI * x;
  return LOBES * Math.sin(angle) * Math.sin(angle / LOBES) / (angle * angle);
}

function shrinkRows(
  source: Uint8Array | Float32Array,
  from: number,
  target: Float32Array,
  to: number,
  rows: number,
  channels: number,
): void {
  const { first, weights, count } = taps(from, to);
  for (let y = 0, at = 0; y < rows; y++) {
    const row = y * from * channels;
    for (let x = 0; x < to; x++) {
      const start = row + first[x]! * channels;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let i = 0, w = x * count, s = start + c; i < count; i++, s += channels) {
          sum += source[s]! * weights[w++]!;
        }
        target[at++] = sum;
      }
    }
  }
}

function shrinkColumns(
  source: Float32Array,
  from: number,
  target: Float32Array,
  to: number,
  stride: number,
): void {
  const { first, weights, count } = taps(from, to);
  for (let y = 0; y < to; y++) {
    const row = target.subarray(y * stride, (y + 1) * stride);
    for (let i = 0; i < count; i++) {
      const weight = weights[y * count + i]!;
      if (weight === 0) continue;
      const start = (first[y]! + i) * stride;
      for (let x = 0; x < stride; x++) row[x]! += source[start + x]! * weight;
    }
  }
}

function premultiply(data: Uint8Array): Float32Array {
  const out = new Float32Array(data.length);
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3]!;
    for (let c = 0; c < 3; c++) out[at + c] = data[at + c]! * alpha / 255;
    out[at + 3] = alpha;
  }
  return out;
}

function unpremultiply(data: Float32Array): Uint8Array {
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3]!;
    for (let c = 0; c < 3; c++) data[at + c] = alpha > 0 ? data[at + c]! * 255 / alpha : 0;
  }
  return clamp(data);
}

function clamp(data: Float32Array): Uint8Array {
  return new Uint8Array(Uint8ClampedArray.from(data).buffer);
}

import type { Tensor } from "./safetensors.ts";

/** Values of a picture inside the network: rows from the top, the channels of a place together. */
export type Grid = { height: number; width: number; channels: number; data: Float32Array };

/** A layer as it was trained, its normalisation folded in: weights [out, kernel, kernel, in], biases [out]. */
export type Weights = { weight: Tensor; bias: Float32Array };

/** Turns a grid into another. */
export type Layer = (grid: Grid) => Grid;

/**
 * A convolution, padded so that only the stride shrinks. The places under the kernel are laid out
 * as a row of numbers, one output line at a time, and multiplied with all filters at once.
 */
export function convolution({ weight, bias }: Weights, stride: number): Layer {
  const [filters, kernel, , channels] = weight.shape as [number, number, number, number];
  const taps = kernel * kernel * channels;
  const packed = packFilters(weight.data, filters, taps);
  return (grid) => {
    const out = emptyGrid(grid, stride, filters);
    const line = new Float32Array(out.width * taps);
    for (let y = 0; y < out.height; y++) {
      const patches = kernel === 1 && stride === 1
        ? grid.data.subarray(y * grid.width * channels, (y + 1) * grid.width * channels)
        : layOut(grid, y * stride, stride, kernel, line);
      multiply(patches, out.width, taps, packed, bias, out.data, y * out.width * filters);
    }
    return out;
  };
}

/** One filter a channel. */
export function depthwise({ weight, bias }: Weights, stride: number): Layer {
  const [channels, kernel] = weight.shape as [number, number];
  // [channel, kernel, kernel] → [kernel, kernel, channel]: a place's channels lie together.
  const taps = kernel * kernel;
  const filters = new Float32Array(weight.data.length);
  for (let c = 0; c < channels; c++) {
    for (let t = 0; t < taps; t++) filters[t * channels + c] = weight.data[c * taps + t]!;
  }
  return (grid) => {
    const out = emptyGrid(grid, stride, channels);
    for (let y = 0, at = 0; y < out.height; y++) {
      for (let x = 0; x < out.width; x++, at += channels) {
        const place = out.data.subarray(at, at + channels);
        place.set(bias);
        addTaps(grid, y * stride, x * stride, kernel, filters, place);
      }
    }
    return out;
  };
}

/** Negative values become zero. In place. */
export function relu(grid: Grid): Grid {
  const { data } = grid;
  for (let i = 0; i < data.length; i++) if (data[i]! < 0) data[i] = 0;
  return grid;
}

/** The second grid's values added to the first's. In place. */
export function add(grid: Grid, { data: more }: Grid): Grid {
  const { data } = grid;
  for (let i = 0; i < data.length; i++) data[i]! += more[i]!;
  return grid;
}

/** Half the width and height: the mean of each four places. */
export function halve({ height, width, channels, data }: Grid): Grid {
  const out = emptyGrid({ height: height - 1, width: width - 1 }, 2, channels);
  const below = width * channels;
  for (let y = 0, at = 0; y < out.height; y++) {
    for (let x = 0; x < out.width; x++) {
      for (let c = 0, from = (2 * y * width + 2 * x) * channels; c < channels; c++, from++) {
        const above = data[from]! + data[from + channels]!;
        out.data[at++] = (above + data[from + below]! + data[from + below + channels]!) / 4;
      }
    }
  }
  return out;
}

/** The mean of each channel. */
export function means({ channels, data }: Grid): Float32Array {
  const sums = new Float64Array(channels);
  for (let at = 0; at < data.length; at += channels) {
    for (let c = 0; c < channels; c++) sums[c]! += data[at + c]!;
  }
  return Float32Array.from(sums, (sum) => sum * channels / data.length);
}

function emptyGrid(
  { height, width }: Pick<Grid, "height" | "width">,
  stride: number,
  channels: number,
): Grid {
  const [h, w] = [Math.ceil(height / stride), Math.ceil(width / stride)];
  return { height: h, width: w, channels, data: new Float32Array(h * w * channels) };
}

/** For each place of an output line what lies under the kernel; zeros beyond the edge. */
function layOut(grid: Grid, top: number, stride: number, kernel: number, line: Float32Array) {
  const { height, width, channels, data } = grid;
  const pad = kernel >> 1;
  const run = kernel * channels;
  for (let at = 0, left = -pad; at < line.length; left += stride) {
    for (let y = top - pad; y < top - pad + kernel; y++, at += run) {
      if (y < 0 || y >= height) {
        line.fill(0, at, at + run);
        continue;
      }
      const from = Math.max(0, left);
      const to = Math.min(width, left + kernel);
      if (to - from < kernel) line.fill(0, at, at + run);
      const source = (y * width + from) * channels;
      const target = at + (from - left) * channels;
      const count = (to - from) * channels;
      for (let i = 0; i < count; i++) line[target + i] = data[source + i]!;
    }
  }
  return line;
}

function addTaps(
  { height, width, channels, data }: Grid,
  top: number,
  left: number,
  kernel: number,
  filters: Float32Array,
  place: Float32Array,
): void {
  const pad = kernel >> 1;
  for (let v = 0; v < kernel; v++) {
    const y = top + v - pad;
    if (y < 0 || y >= height) continue;
    for (let u = 0; u < kernel; u++) {
      const x = left + u - pad;
      if (x < 0 || x >= width) continue;
      const from = (y * width + x) * channels;
      const tap = (v * kernel + u) * channels;
      for (let c = 0; c < channels; c++) place[c]! += data[from + c]! * filters[tap + c]!;
    }
  }
}

/** [filter, tap] → groups of four filters, of which each tap's weights lie together. */
function packFilters(weights: Float32Array, filters: number, taps: number): Float32Array {
  const packed = new Float32Array(filters * taps);
  for (let group = 0, at = 0; group < filters; group += 4) {
    for (let tap = 0; tap < taps; tap++) {
      for (let f = group; f < group + 4; f++) packed[at++] = weights[f * taps + tap]!;
    }
  }
  return packed;
}

/**
 * out[row, filter] = bias[filter] + Σ rows[row, tap] · filters[filter, tap], for two rows and four
 * filters at a time: sixteen numbers at hand are as many as the processor keeps in registers. The
 * number of rows must be even, of filters a multiple of four.
 */
function multiply(
  rows: Float32Array,
  count: number,
  taps: number,
  packed: Float32Array,
  bias: Float32Array,
  out: Float32Array,
  start: number,
): void {
  const filters = bias.length;
  for (let row = 0; row < count; row += 2) {
    const first = row * taps;
    for (let f = 0, p = 0; f < filters; f += 4) {
      let a0 = bias[f]!, a1 = bias[f + 1]!, a2 = bias[f + 2]!, a3 = bias[f + 3]!;
      let b0 = a0, b1 = a1, b2 = a2, b3 = a3;
      for (let i = first, j = first + taps; i < first + taps; i++, j++, p += 4) {
        const a = rows[i]!, b = rows[j]!;
        const w0 = packed[p]!, w1 = packed[p + 1]!, w2 = packed[p + 2]!, w3 = packed[p + 3]!;
        a0 += a * w0;
        a1 += a * w1;
        a2 += a * w2;
        a3 += a * w3;
        b0 += b * w0;
        b1 += b * w1;
        b2 += b * w2;
        b3 += b * w3;
      }
      const at = start + row * filters + f;
      out[at] = a0;
      out[at + 1] = a1;
      out[at + 2] = a2;
      out[at + 3] = a3;
      out[at + filters] = b0;
      out[at + filters + 1] = b1;
      out[at + filters + 2] = b2;
      out[at + filters + 3] = b3;
    }
  }
}

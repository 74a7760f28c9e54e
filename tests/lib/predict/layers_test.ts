import assert from "node:assert/strict";
import {
  convolution,
  depthwise,
  type Grid,
  halve,
  means,
  type Weights,
} from "../../../lib/predict/layers.ts";

/** Numbers that look random and are the same each time. */
function numbers(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, at) => Math.sin(at * 12.9898) * 2);
}

function grid(width: number, height: number, channels: number): Grid {
  return { width, height, channels, data: numbers(width * height * channels) };
}

function weights(...shape: number[]): Weights {
  const data = numbers(shape.reduce((all, one) => all * one));
  return { weight: { shape, data }, bias: numbers(shape[0]!) };
}

/** By the definition, place by place. */
function naive(from: Grid, { weight, bias }: Weights, stride: number, separate: boolean) {
  const [filters, kernel] = weight.shape as [number, number];
  const out: number[] = [];
  const pad = kernel >> 1;
  for (let y = 0; y < from.height; y += stride) {
    for (let x = 0; x < from.width; x += stride) {
      for (let f = 0; f < filters; f++) {
        let sum = bias[f]!;
        for (let v = 0; v < kernel; v++) {
          for (let u = 0; u < kernel; u++) {
            const [yy, xx] = [y + v - pad, x + u - pad];
            if (yy < 0 || xx < 0 || yy >= from.height || xx >= from.width) continue;
            for (const c of separate ? [f] : Array(from.channels).keys()) {
              const tap = (f * kernel + v) * kernel + u;
              const w = separate ? tap : tap * from.channels + c;
              sum += from.data[(yy * from.width + xx) * from.channels + c]! * weight.data[w]!;
            }
          }
        }
        out.push(sum);
      }
    }
  }
  return out;
}

function near(given: Float32Array, expected: number[]) {
  assert.equal(given.length, expected.length);
  given.forEach((value, at) => assert.ok(Math.abs(value - expected[at]!) < 1e-4, `${at}`));
}

for (const [kernel, stride] of [[3, 1], [3, 2], [1, 1]] as const) {
  Deno.test(`convolution() of ${kernel}×${kernel}, stride ${stride}, is what the definition says`, () => {
    const filters = weights(8, kernel, kernel, 3);
    const from = grid(8, 6, 3);
    near(convolution(filters, stride)(from).data, naive(from, filters, stride, false));
  });
}

for (const stride of [1, 2]) {
  Deno.test(`depthwise() with stride ${stride} is what the definition says`, () => {
    const filters = weights(4, 3, 3);
    const from = grid(6, 8, 4);
    near(depthwise(filters, stride)(from).data, naive(from, filters, stride, true));
  });
}

Deno.test("halve() takes the mean of each four places, means() that of each channel", () => {
  const from: Grid = {
    width: 2,
    height: 2,
    channels: 2,
    data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  };
  assert.deepEqual([...halve(from).data], [4, 5]);
  assert.deepEqual([...means(from)], [4, 5]);
});

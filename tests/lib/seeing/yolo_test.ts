import assert from "node:assert/strict";
import { readYolo } from "../../../lib/seeing/yolo.ts";

const LABELS = ["person", "car"];
const reading = {
  labels: LABELS,
  minConfidence: 0.5,
  picture: { width: 640, height: 320 },
  input: { width: 640, height: 640 },
};

/** Places as a model answers them: middle, size, a score a class. */
type Place = [x: number, y: number, width: number, height: number, person: number, car: number];

function output(places: Place[], byField = true) {
  const data = byField ? [0, 1, 2, 3, 4, 5].map((field) => places.map((it) => it[field]!)) : places;
  const dims = byField ? [1, 6, places.length] : [1, places.length, 6];
  return { dims, data: Float32Array.from(data.flat()) };
}

const near = (value: number, wanted: number) => Math.abs(value - wanted) < 1e-6;

Deno.test("readYolo() gives boxes as shares of the picture inside its letterbox", () => {
  for (const byField of [true, false]) {
    // The picture lies between 160 and 480.
    const [car, ...rest] = readYolo(output([[320, 320, 64, 160, 0.1, 0.75]], byField), reading);
    assert.deepEqual([car?.label, car?.confidence, rest.length], ["car", 0.75, 0]);
    const { x, y, width, height } = car!.box;
    assert.ok(near(x, 0.45) && near(y, 0.25) && near(width, 0.1) && near(height, 0.5));
  }
});

Deno.test("readYolo() tells what overlaps once, by class, and nothing that it is not sure of", () => {
  const found = readYolo(
    output([
      [100, 320, 50, 100, 0.8, 0],
      [103, 320, 50, 100, 0.9, 0],
      [100, 320, 50, 100, 0, 0.7],
      [400, 320, 50, 100, 0.6, 0],
      [500, 320, 50, 100, 0.49, 0],
      [100, 20, 10, 10, 0.9, 0],
      [100, 320, NaN, 100, NaN, NaN],
    ]),
    reading,
  );
  const told = found.map(({ label, confidence }) => `${label} ${confidence?.toFixed(1)}`);
  assert.deepEqual(told, ["person 0.9", "car 0.7", "person 0.6"], "none in the letterbox's border");
});

Deno.test("readYolo() refuses answers of another layout", () => {
  const strange = { dims: [1, 5, 8], data: new Float32Array(40) };
  assert.throws(() => readYolo(strange, reading), /answers \[1,5,8\], not 4 \+ 2/);
});

import assert from "node:assert/strict";
import { fitHead } from "../../../lib/predict/fit.ts";
import { type Head, logit } from "../../../lib/predict/pets_model.ts";

const BASE: Head = { weights: Float32Array.of(1, 0), bias: 0 };

/** Examples, of two features, whose truth is the sign of the second; the base knows the first alone. */
function rows(count: number): Float32Array {
  const examples = Array.from({ length: count }, (_, at) => {
    const angle = at * 2.399963;
    return [Math.cos(angle), Math.sin(angle), Number(Math.sin(angle) > 0)];
  });
  return Float32Array.from(examples.flat());
}

Deno.test("fitHead() learns what the examples say", () => {
  const head = fitHead(BASE, rows(200), 2);
  assert.ok(logit(head, Float32Array.of(0, 1)) > 2);
  assert.ok(logit(head, Float32Array.of(0, -1)) < -2);
});

Deno.test("fitHead() stays near where it came from when the examples are few", () => {
  const none = fitHead(BASE, new Float32Array(0), 2);
  assert.deepEqual([...none.weights, none.bias], [1, 0, 0]);
  const few = fitHead(BASE, rows(3), 2);
  const many = fitHead(BASE, rows(300), 2);
  const distance = ({ weights }: Head) => Math.hypot(weights[0]! - 1, weights[1]!);
  assert.ok(distance(few) < distance(many));
});

Deno.test("fitHead() finds its way from where the base is sure of the opposite", () => {
  const base: Head = { weights: Float32Array.of(0, -8), bias: 0 };
  const head = fitHead(base, rows(400), 2);
  assert.ok(logit(head, Float32Array.of(0, 1)) > 2, `${head.weights}`);
});

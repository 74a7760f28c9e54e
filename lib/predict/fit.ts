import { type Head, logit, sigmoid } from "./pets_model.ts";

/** How strongly the former head holds on: like so many examples that agree with it. */
const HOLD = 1;
const STEPS = 25;

/**
 * Fits the last layer to examples by Newton's method, halving each step until it helps: logistic
 * regression whose weights are held at those of `base` (a Gaussian prior round them), so that few
 * examples change little. `rows` holds the examples one after the other: `size` features, then 1
 * for a dog, 0 for a cat.
 */
export function fitHead(base: Head, rows: Float32Array, size: number): Head {
  const examples = split(rows, size);
  let head = base;
  for (let step = 0; step < STEPS; step++) {
    const move = newtonStep(base, head, examples, size);
    const next = improve(base, head, examples, move);
    if (!next) break;
    head = next;
  }
  return head;
}

/** The head moved along the step, as far as the loss falls; null where it no longer does. */
function improve(base: Head, head: Head, examples: Example[], move: Float64Array): Head | null {
  const before = loss(base, head, examples);
  for (let share = 1; share > 1e-3; share /= 2) {
    const moved = {
      weights: head.weights.map((weight, at) => weight - share * move[at]!),
      bias: head.bias - share * move.at(-1)!,
    };
    if (loss(base, moved, examples) < before - 1e-9) return moved;
  }
  return null;
}

/** How unlikely the head makes the examples, and how far it is from where it is held. */
function loss(base: Head, head: Head, examples: Example[]): number {
  const surprise = examples.reduce((sum, { features, label }) => {
    const z = logit(head, features);
    return sum + Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - label * z;
  }, 0);
  const distance = head.weights.reduce(
    (sum, weight, at) => sum + (weight - base.weights[at]!) ** 2,
    (head.bias - base.bias) ** 2,
  );
  return surprise + HOLD / 2 * distance;
}

type Example = { features: Float32Array; label: number };

function split(rows: Float32Array, size: number): Example[] {
  const examples: Example[] = [];
  for (let at = 0; at < rows.length; at += size + 1) {
    examples.push({ features: rows.subarray(at, at + size), label: rows[at + size]! });
  }
  return examples;
}

/** Hessian⁻¹ · gradient of the loss, the bias last. */
function newtonStep(base: Head, head: Head, examples: Example[], size: number): Float64Array {
  const n = size + 1;
  const hessian = new Float64Array(n * n);
  const gradient = new Float64Array(n);
  for (let i = 0; i < size; i++) {
    hessian[i * n + i] = HOLD;
    gradient[i] = HOLD * (head.weights[i]! - base.weights[i]!);
  }
  hessian[size * n + size] = HOLD;
  gradient[size] = HOLD * (head.bias - base.bias);
  for (const { features, label } of examples) {
    const p = sigmoid(logit(head, features));
    const value = (at: number) => at < size ? features[at]! : 1;
    for (let i = 0; i < n; i++) {
      const x = value(i);
      gradient[i]! += (p - label) * x;
      const curve = p * (1 - p) * x;
      for (let j = 0; j <= i; j++) hessian[i * n + j]! += curve * value(j);
    }
  }
  return solve(hessian, gradient, n);
}

/** Solves A·x = b for a symmetric positive A, given by its lower half, by Cholesky's factors. */
function solve(a: Float64Array, b: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= a[i * n + k]! * a[j * n + k]!;
      a[i * n + j] = i === j ? Math.sqrt(sum) : sum / a[j * n + j]!;
    }
  }
  const x = b.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i]! -= a[i * n + k]! * x[k]!;
    x[i]! /= a[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= a[k * n + i]! * x[k]!;
    x[i]! /= a[i * n + i]!;
  }
  return x;
}

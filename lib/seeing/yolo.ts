import type { Size } from "../imaging/engine.ts";
import type { Output } from "../onnx/onnx.ts";
import { letterbox } from "../onnx/input.ts";
import type { Detection } from "./detector.ts";

/** Boxes that share more than this part of their union are one thing. */
const MAX_OVERLAP = 0.45;
const MAX_DETECTIONS = 100;

type Candidate = { label: string; confidence: number; left: number; top: number } & Size;

type Reading = {
  labels: readonly string[];
  /** 0..1 */
  minConfidence: number;
  /** The picture, as it was handed to the model. */
  picture: Size;
  /** What the model takes in. */
  input: Size;
};

/**
 * Reads the answer of a YOLOv8 detector (docs.ultralytics.com): `[1, 4 + classes, places]`, or
 * turned about, with a box's middle and size in pixels of the input and a score a class. Gives the
 * things that it is sure enough of, each once (non-maximum suppression by class).
 */
export function readYolo({ dims, data }: Output, reading: Reading): Detection[] {
  const { labels, minConfidence } = reading;
  const fields = 4 + labels.length;
  const [, second = 0, third = 0] = dims;
  if (dims.length !== 3 || (second !== fields && third !== fields)) {
    throw new Error(`The model answers [${dims}], not 4 + ${labels.length} numbers a place`);
  }
  const byField = second === fields;
  const places = byField ? third : second;
  const value = (field: number, place: number) =>
    data[byField ? field * places + place : place * fields + field]!;

  const candidates: Candidate[] = [];
  for (let place = 0; place < places; place++) {
    let best = 0;
    for (let at = 1; at < labels.length; at++) {
      if (value(4 + at, place) > value(4 + best, place)) best = at;
    }
    const confidence = value(4 + best, place);
    if (!(confidence >= minConfidence)) continue;
    const [x, y, width, height] = [0, 1, 2, 3].map((field) => value(field, place)) as [
      ...[number, number, number, number],
    ];
    const [left, top] = [x - width / 2, y - height / 2];
    candidates.push({ label: labels[best]!, confidence, left, top, width, height });
  }
  return distinct(candidates).flatMap((candidate) => detectionOf(candidate, reading));
}

/** The most certain of those that overlap. */
function distinct(candidates: Candidate[]): Candidate[] {
  const kept: Candidate[] = [];
  for (const one of candidates.toSorted((a, b) => b.confidence - a.confidence)) {
    if (kept.length === MAX_DETECTIONS) break;
    const isKnown = kept.some((other) =>
      other.label === one.label && overlap(one, other) > MAX_OVERLAP
    );
    if (!isKnown) kept.push(one);
  }
  return kept;
}

/** Intersection over union. */
function overlap(a: Candidate, b: Candidate): number {
  const width = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const height = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  const common = Math.max(0, width) * Math.max(0, height);
  return common / (a.width * a.height + b.width * b.height - common);
}

/** From pixels of the letterboxed input to shares of the picture; none when it lies outside. */
function detectionOf(candidate: Candidate, { picture, input }: Reading): Detection[] {
  const inner = letterbox(picture, input);
  const x = share((candidate.left - inner.left) / inner.width);
  const y = share((candidate.top - inner.top) / inner.height);
  const right = share((candidate.left + candidate.width - inner.left) / inner.width);
  const bottom = share((candidate.top + candidate.height - inner.top) / inner.height);
  if (!(right > x && bottom > y)) return [];
  const box = { x, y, width: right - x, height: bottom - y };
  return [{ label: candidate.label, confidence: Math.min(1, candidate.confidence), box }];
}

function share(value: number): number {
  return Math.min(1, Math.max(0, value));
}

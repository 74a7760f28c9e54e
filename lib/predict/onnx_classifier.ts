import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, parse } from "node:path";
import { z } from "zod";
import { ConfigError } from "../config.ts";
import { Preparation } from "../onnx/input.ts";
import { createOnnxModel } from "../onnx/onnx.ts";
import type { Classifier } from "./classifier.ts";

/** Pixels are handed on in at most this size; models look at 224 to 512. */
const PIXELS_SIDE = 512;

const Labels = z.array(z.string().trim().min(1)).min(2);
/** What may stand beside a model: its labels alone, or with how it wants its pictures. */
const Settings = z.union([
  Labels.transform((labels) => ({ labels })),
  Preparation.partial().extend({ labels: Labels }),
]);

/**
 * A classifier of the operator's own, in ONNX's format. Its labels stand beside `model.onnx` in
 * `model.json` (a list, or `{ labels, mean, std, fit, order }`), `model.txt` or `labels.txt` (one a
 * line). Throws a `ConfigError` where they are missing.
 */
export function createOnnxClassifier({ path, size }: { path: string; size: number }) {
  const { labels, ...preparation } = settingsOf(path);
  const model = createOnnxModel({
    name: "predict",
    path,
    preparation: Preparation.parse(preparation),
    size,
  });
  const version = basename(path);

  const classifier: Classifier = {
    side: PIXELS_SIDE,

    async classify(_tenant, pixels, limits) {
      const [output] = await model.run(pixels, limits);
      const shares = sharesOf(output?.data ?? new Float32Array(0));
      if (shares.length !== labels.length) {
        throw new Error(`The model answers ${shares.length} numbers for ${labels.length} labels`);
      }
      const scores = Object.fromEntries(labels.map((label, at) => [label, shares[at]!]));
      return { scores, isStrange: false, model: version, features: null };
    },

    async about() {
      await model.about().catch((cause) => {
        throw new ConfigError(
          `PREDICT_MODEL_PATH: cannot run "${path}" (${cause.message}); \`deno task install-onnx\` ` +
            "installs what runs such models",
          { cause },
        );
      });
      return { path: model.path, version, parameters: null, labels };
    },
  };
  return { ...classifier, stats: model.stats, close: model.close };
}

function settingsOf(path: string): z.infer<typeof Settings> {
  const { dir, name } = parse(path);
  const candidates = [`${name}.json`, `${name}.txt`, "labels.txt"].map((file) => join(dir, file));
  const file = candidates.find((candidate) => existsSync(candidate));
  if (!existsSync(path) || !file) {
    throw new ConfigError(
      `PREDICT_MODEL_PATH: "${path}" must be an ONNX model with its labels beside it, in ` +
        `${name}.json, ${name}.txt or labels.txt in ${dirname(path)}`,
    );
  }
  try {
    const text = readFileSync(file, "utf8");
    return Settings.parse(file.endsWith(".json") ? JSON.parse(text) : lines(text));
  } catch (cause) {
    throw new ConfigError(`PREDICT_MODEL_PATH: cannot read the labels in "${file}"`, { cause });
  }
}

function lines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

/**
 * A model's answer as probabilities. It may be that already; logits go through softmax; a lone
 * number speaks for the second of two labels.
 */
function sharesOf(answer: Float32Array): number[] {
  const values = [...answer];
  const areShares = values.every((value) => value >= 0 && value <= 1);
  if (values.length === 1) {
    const second = areShares ? values[0]! : 1 / (1 + Math.exp(-values[0]!));
    return [1 - second, second];
  }
  const sum = values.reduce((sum, value) => sum + value, 0);
  if (areShares && Math.abs(sum - 1) < 1e-3) return values;
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const all = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / all);
}

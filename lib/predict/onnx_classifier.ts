import { existsSync } from "node:fs";
import { basename } from "node:path";
import { ConfigError } from "../config.ts";
import { Preparation } from "../onnx/input.ts";
import { labelFilesOf, type ModelSettings, readModelSettings } from "../onnx/labels.ts";
import { createOnnxModel } from "../onnx/onnx.ts";
import type { Classifier } from "./classifier.ts";

/** Pixels are handed on in at most this size; models look at 224 to 512. */
const PIXELS_SIDE = 512;

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

function settingsOf(path: string): ModelSettings {
  const settings = existsSync(path) ? readModelSettings("PREDICT_MODEL_PATH", path) : null;
  if (settings && settings.labels.length > 1) return settings;
  throw new ConfigError(
    `PREDICT_MODEL_PATH: "${path}" must be an ONNX model with its labels (two or more) beside it, ` +
      `in ${labelFilesOf(path).join(" or ")}`,
  );
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

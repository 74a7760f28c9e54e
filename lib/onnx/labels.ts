import { existsSync, readFileSync } from "node:fs";
import { join, parse } from "node:path";
import { z } from "zod";
import { ConfigError } from "../config.ts";
import { Preparation } from "./input.ts";

const Labels = z.array(z.string().trim().min(1)).min(1);
/** What may stand beside a model: its labels alone, or with how it wants its pictures. */
const Settings = z.union([
  Labels.transform((labels) => ({ labels })),
  Preparation.partial().extend({ labels: Labels }),
]);
export type ModelSettings = z.infer<typeof Settings>;

/** The places for a model's labels: `model.json`, `model.txt` or `labels.txt` beside it. */
export function labelFilesOf(path: string): string[] {
  const { dir, name } = parse(path);
  return [`${name}.json`, `${name}.txt`, "labels.txt"].map((file) => join(dir, file));
}

/**
 * What stands beside an ONNX model in `model.json` (a list, or `{ labels, mean, std, fit, order }`),
 * `model.txt` or `labels.txt` (one label a line); null where nothing does. Throws a `ConfigError`,
 * naming `variable`, for what cannot be read.
 */
export function readModelSettings(variable: string, path: string): ModelSettings | null {
  const file = labelFilesOf(path).find((candidate) => existsSync(candidate));
  if (!file) return null;
  try {
    const text = readFileSync(file, "utf8");
    return Settings.parse(file.endsWith(".json") ? JSON.parse(text) : lines(text));
  } catch (cause) {
    throw new ConfigError(`${variable}: cannot read the labels in "${file}"`, { cause });
  }
}

function lines(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter(Boolean);
}

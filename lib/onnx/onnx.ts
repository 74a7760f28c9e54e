import { resolve } from "node:path";
import { z } from "zod";
import type { Pixels } from "../imaging/imaging.ts";
import { PACKAGES } from "../packages.ts";
import { createSandbox, type RunLimits } from "../sandbox.ts";
import type { OnnxRequest } from "./child.ts";
import type { Preparation } from "./input.ts";

export type OnnxOptions = {
  /** What the model does, for messages and logs: `predict`. */
  name: string;
  /** The model's file. */
  path: string;
  preparation: Preparation;
  /** Children at most; each holds the model and looks at one picture at a time. */
  size: number;
  memoryMb?: number;
  deadlineMs?: number;
};

/** One of a model's answers: numbers in a row, and how many there are along each axis. */
export type Output = { dims: number[]; data: Float32Array };

export type OnnxModel = ReturnType<typeof createOnnxModel>;

const About = z.object({
  input: z.object({ width: z.number().int(), height: z.number().int() }),
  outputs: z.array(z.array(z.union([z.number(), z.string()]))),
});
const Dims = z.array(z.array(z.number().int()));

/**
 * A model in ONNX's format that takes one picture, run by onnxruntime-web in child processes that
 * may read packages and the model, and nothing else.
 */
export function createOnnxModel(options: OnnxOptions) {
  const path = resolve(options.path);
  const { name, preparation, size } = options;
  const sandbox = createSandbox({
    name,
    entry: new URL("./child.ts", import.meta.url),
    size,
    memoryMb: options.memoryMb ?? 2048,
    deadlineMs: options.deadlineMs ?? 30_000,
    idleMs: 300_000,
    recycleAfter: 10_000,
    maxWaiting: 200,
    // The runtime stands in no lock file, and a child must not write itself into ours.
    permissions: [`--allow-read=${PACKAGES},${path}`, "--no-lock"],
  });
  const ask = (request: OnnxRequest, body?: Uint8Array, limits?: RunLimits) =>
    sandbox.run(request, body, limits);

  return {
    path,
    /** Loads the model; throws when the runtime is missing or cannot read it. */
    async about() {
      return About.parse((await ask({ kind: "about", path })).result);
    },

    /** Runs the model on a picture. Throws what `Sandbox.run` throws. */
    async run({ width, height, data }: Pixels, limits?: RunLimits): Promise<Output[]> {
      const request: OnnxRequest = { kind: "run", path, width, height, preparation };
      const { result, blobs } = await ask(request, data, limits);
      // A copy: what arrived need not lie where numbers may.
      return Dims.parse(result).map((dims, at) => ({
        dims,
        data: new Float32Array(blobs[at]!.slice().buffer),
      }));
    },

    stats: sandbox.stats,
    close: sandbox.close,
    [Symbol.asyncDispose]: sandbox.close,
  };
}

import { z } from "zod";
import type { Pixels } from "../imaging/imaging.ts";
import { createSandbox, type RunLimits } from "../sandbox.ts";
import { MODEL, type PetsRequest } from "./child.ts";
import type { Features } from "./network.ts";
import type { Head, Look } from "./pets_model.ts";

/** Pixels are handed on in at most this size; the network looks at less. */
export const PIXELS_SIDE = 512;

export type PetsOptions = {
  /** Children at most; each looks at one picture at a time. */
  size: number;
  deadlineMs?: number;
};

/** A picture that somebody has named. */
export type Example = { features: Features; isDog: boolean };

export type Pets = ReturnType<typeof createPets>;

const About = z.object({
  version: z.string(),
  parameters: z.number().int(),
  petThreshold: z.number(),
  bias: z.number(),
});
const Logits = z.object({ dog: z.number(), pet: z.number() });
const Fitted = z.object({ bias: z.number() });

/** The built-in cats-and-dogs network, in child processes that may read its file and nothing else. */
export function createPets({ size, deadlineMs = 20_000 }: PetsOptions) {
  const sandbox = createSandbox({
    name: "predict",
    entry: new URL("./child.ts", import.meta.url),
    size,
    memoryMb: 1024,
    deadlineMs,
    idleMs: 60_000,
    recycleAfter: 10_000,
    maxWaiting: 200,
    permissions: [`--allow-read=${decodeURIComponent(MODEL.pathname)}`],
  });
  const ask = (request: PetsRequest, body?: Uint8Array, limits?: RunLimits) =>
    sandbox.run(request, body, limits);

  const askAbout = async () => {
    const { result, blobs } = await ask({ kind: "about" });
    const { bias, ...about } = About.parse(result);
    return { ...about, head: { weights: singles(blobs[0]!), bias } };
  };
  let about: ReturnType<typeof askAbout> | undefined;

  return {
    /** The model's version, size, threshold of "neither" and last layer; known once it was read. */
    about() {
      about ??= askAbout();
      about.catch(() => about = undefined);
      return about;
    },

    /** What the network makes of a picture. Throws what `Sandbox.run` throws. */
    async look({ width, height, data }: Pixels, limits?: RunLimits): Promise<Look> {
      const { result, blobs } = await ask({ kind: "look", width, height }, data, limits);
      return { ...Logits.parse(result), features: singles(blobs[0]!) };
    },

    /** The last layer, fitted to examples. */
    async fit(examples: Example[]): Promise<Head> {
      const size = examples[0]?.features.length ?? 0;
      const rows = new Float32Array(examples.length * (size + 1));
      examples.forEach(({ features, isDog }, at) => {
        rows.set(features, at * (size + 1));
        rows[at * (size + 1) + size] = Number(isDog);
      });
      const { result, blobs } = await ask({ kind: "fit", size }, new Uint8Array(rows.buffer));
      return { weights: singles(blobs[0]!), bias: Fitted.parse(result).bias };
    },

    stats: sandbox.stats,
    close: sandbox.close,
    [Symbol.asyncDispose]: sandbox.close,
  };
}

/** A copy: what arrived need not lie where numbers may. */
function singles(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

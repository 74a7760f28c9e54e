import { type ChildAnswer, type ChildJob, serve } from "../sandbox_child.ts";
import { fitHead } from "./fit.ts";
import { openPetsModel } from "./pets_model.ts";

/** What the parent asks for; it builds these itself, so they are not checked again here. */
export type PetsRequest =
  | { kind: "about" }
  /** The body holds RGB pixels. */
  | { kind: "look"; width: number; height: number }
  /** The body holds examples, one after the other: their features, then 1 for a dog, 0 for a cat. */
  | { kind: "fit"; size: number };

/** The file of the built-in model: see docs/model/README.md. */
export const MODEL = new URL("./cats_dogs.safetensors", import.meta.url);

let opened: Promise<ReturnType<typeof openPetsModel>> | undefined;

async function answer({ request, body }: ChildJob): Promise<ChildAnswer> {
  const job = request as PetsRequest;
  const model = await (opened ??= Deno.readFile(MODEL).then(openPetsModel));
  if (job.kind === "about") {
    const { version, parameters, petThreshold, head } = model;
    return {
      result: { version, parameters, petThreshold, bias: head.bias },
      blobs: [bytesOf(head.weights)],
    };
  }
  if (job.kind === "fit") {
    const head = fitHead(model.head, singles(body), job.size);
    return { result: { bias: head.bias }, blobs: [bytesOf(head.weights)] };
  }
  const { width, height } = job;
  const { features, dog, pet } = model.look({ width, height, channels: 3, data: body });
  return { result: { dog, pet }, blobs: [bytesOf(features)] };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** A copy: what arrived need not lie where numbers may. */
function singles(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

if (import.meta.main) await serve(answer);

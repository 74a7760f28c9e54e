import type { Features } from "./network.ts";
import type { Head } from "./pets_model.ts";

/** Half precision, base64: 256 features in 684 characters. */
export function encodeFeatures(features: Features): string {
  return new Uint8Array(Float16Array.from(features).buffer).toBase64();
}

export function decodeFeatures(features: string): Features {
  return Float32Array.from(new Float16Array(Uint8Array.fromBase64(features).buffer));
}

/** A last layer as it is kept: single precision, base64. */
export function encodeHead({ weights, bias }: Head): { weights: string; bias: number } {
  return { weights: new Uint8Array(Float32Array.from(weights).buffer).toBase64(), bias };
}

export function decodeHead({ weights, bias }: { weights: string; bias: number }): Head {
  return { weights: new Float32Array(Uint8Array.fromBase64(weights).buffer), bias };
}

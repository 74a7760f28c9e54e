import { z } from "zod";
import type { Picture } from "../imaging/engine.ts";
import { cropCentre, upright } from "../imaging/pixels.ts";
import { resample } from "../imaging/resample.ts";
import { createNetwork, type Features, SIDE, tensorOf } from "./network.ts";
import { readSafetensors } from "./safetensors.ts";

/** What the file says of itself, beside its tensors. */
const Metadata = z.object({
  version: z.string(),
  /** By how much the training was too sure: logits are divided by it (Guo et al. 2017). */
  temperature: z.coerce.number().positive(),
  /** Below this logit there is neither a cat nor a dog. */
  pet_threshold: z.coerce.number(),
});

/** EXIF's orientation of a picture whose left and right are swapped. */
const MIRRORED = 2;

/** A linear layer on features: a logit. */
export type Head = { weights: Float32Array; bias: number };

/** What the network makes of a picture. */
export type Look = {
  features: Features;
  /** Logit of "a dog rather than a cat". */
  dog: number;
  /** Logit of "a cat or a dog at all". */
  pet: number;
};

/**
 * The cats-and-dogs model from its safetensors file. `look` takes RGB pixels of any size, upright;
 * `head` is what tells dogs from cats, calibrated.
 */
export function openPetsModel(file: Uint8Array) {
  const { metadata, tensors } = readSafetensors(file);
  const { version, temperature, pet_threshold } = Metadata.parse(metadata);
  const network = createNetwork(tensors);
  const size = tensorOf(tensors, "head.weight").shape[1]!;
  const row = (index: number, divisor: number): Head => ({
    weights: tensorOf(tensors, "head.weight").data.subarray(index * size, (index + 1) * size)
      .map((weight) => weight / divisor),
    bias: tensorOf(tensors, "head.bias").data[index]! / divisor,
  });
  const head = row(0, temperature);
  const petHead = row(1, 1);
  const parameters = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);

  return {
    version,
    head,
    petThreshold: pet_threshold,
    /** Numbers that were trained. */
    parameters,
    look(picture: Picture): Look {
      const features = mean(viewsOf(picture).map(({ data }) => network(data)));
      return { features, dog: logit(head, features), pet: logit(petHead, features) };
    },
  };
}

/** weights · features + bias */
export function logit({ weights, bias }: Head, features: Features): number {
  return features.reduce((sum, value, at) => sum + value * weights[at]!, bias);
}

/** A logit as a probability. */
export function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/**
 * Two looks, whose mean is surer than either: the whole picture, squashed as the training's were,
 * and its middle, which is not distorted, in the mirror.
 */
function viewsOf(picture: Picture): Picture[] {
  const square = { width: SIDE, height: SIDE };
  const side = Math.min(picture.width, picture.height);
  const middle = resample(cropCentre(picture, side, side), square);
  return [resample(picture, square), upright(middle, MIRRORED)];
}

function mean(all: Features[]): Features {
  return all[0]!.map((_, at) => all.reduce((sum, one) => sum + one[at]!, 0) / all.length);
}

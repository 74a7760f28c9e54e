import type { Pixels } from "../imaging/imaging.ts";
import type { RunLimits } from "../sandbox.ts";

/** What a classifier says of a picture. */
export type Classified = {
  /** By label, 0..1. */
  scores: Record<string, number>;
  /** It is like nothing that the classifier knows, whatever the scores say. */
  isStrange: boolean;
  model: string;
  /** Base64, for retraining; null where that cannot be. */
  features: string | null;
};

/** What a classifier is. */
export type ClassifierAbout = {
  path: string;
  version: string;
  /** Numbers that were trained, where that is known. */
  parameters: number | null;
  labels: string[];
};

/** Names what is in a picture, by a model of its own; see `pets_classifier.ts`, `onnx_classifier.ts`. */
export interface Classifier {
  /** Pixels are wanted in at most this size. */
  readonly side: number;
  classify(tenant: string, pixels: Pixels, limits?: RunLimits): Promise<Classified>;
  /** Loads the model; throws when it cannot be. */
  about(): Promise<ClassifierAbout>;
}

import { z } from "@hono/zod-openapi";
import { Id, Time } from "./scalars.ts";

/** 0..1 */
const Share = z.number().min(0).max(1);
/** By label: `{ "cat": 0.12, "dog": 0.88 }`. */
const Scores = z.record(z.string(), Share);

/** What a model once said of a picture. The picture itself is not kept, nor its name. */
export const PredictionRow = z.object({
  id: Id,
  tenant: Id,
  created_at: Time,
  /** A label as it was shown, or "Unknown". */
  prediction: z.string(),
  scores: Scores,
  model_used: z.string(),
  inference_ms: z.number().int(),
  /** What the built-in network saw, 256 half-precision numbers: for retraining alone. */
  features: z.base64().nullable(),
});
export type PredictionRow = z.infer<typeof PredictionRow>;

/** The answer of POST /api/predict. */
export const Prediction = z.object({
  filename: z.string(),
  prediction: z.string().openapi({
    example: "Dog",
    description: 'The likeliest label; "Unknown" where the model is not sure enough',
  }),
  confidence: z.string().openapi({ example: "87.65%" }),
  probabilities: z.record(z.string(), z.string()).openapi({
    example: { cat: "12.35%", dog: "87.65%" },
  }),
  prediction_id: Id,
  scores: Scores.openapi({ example: { cat: 0.1235, dog: 0.8765 } }),
  model_used: z.string(),
  inference_ms: z.number().int().openapi({
    description: "Decoding and looking, without the upload; in milliseconds",
  }),
}).openapi("Prediction");
export type Prediction = z.infer<typeof Prediction>;

/** What POST /api/feedback takes. */
export const NewFeedback = z.object({
  feedback: z.enum(["positive", "negative"]),
  resultat_prediction: Share.openapi({
    description: "The confidence that was shown",
    example: 0.8765,
  }),
  input_user: z.string().min(1).max(1_000).openapi({
    description: "What was predicted, a file name for one; only a pseudonym of it is kept",
    example: "photo.jpg",
  }),
  prediction_id: Id.optional(),
  label: z.string().trim().min(1).max(100).optional().openapi({
    description: "What the picture shows in truth",
    example: "cat",
  }),
}).openapi("NewFeedback");
export type NewFeedback = z.infer<typeof NewFeedback>;

/** Somebody's word on a prediction; under the prediction's id where that is known. */
export const FeedbackRow = z.object({
  id: Id,
  tenant: Id,
  created_at: Time,
  feedback: NewFeedback.shape.feedback,
  resultat_prediction: Share,
  input_pseudonym: z.string(),
  prediction_id: Id.nullable(),
  label: z.string().nullable(),
});
export type FeedbackRow = z.infer<typeof FeedbackRow>;

/** The answer of POST /api/feedback. */
export const Feedback = FeedbackRow.omit({ tenant: true, input_pseudonym: true })
  .openapi("Feedback");
export type Feedback = z.infer<typeof Feedback>;

const Count = z.number().int();
const Mean = z.number().nullable();

/** How predictions went, on one day (UTC) or several; null where there is nothing to tell. */
export const Figures = z.object({
  predictions: Count,
  errors: Count.openapi({
    description: "Pictures that could not be predicted; not in predictions",
  }),
  avg_latency_ms: Mean,
  p95_latency_ms: Mean.openapi({
    description: "95 of 100 took at most so long; to three digits above a second",
  }),
  feedback: Count,
  positive_rate: Mean.openapi({ description: "Share of feedback that agreed, 0..1" }),
  error_rate: Mean.openapi({ description: "errors / (predictions + errors), 0..1" }),
  avg_confidence_positive: Mean,
  avg_confidence_negative: Mean,
}).openapi("PredictionFigures");
export type Figures = z.infer<typeof Figures>;

export const Day = z.iso.date().openapi({ example: "2026-05-01" });
export const DayFigures = z.object({ date: Day, ...Figures.shape }).openapi("PredictionDay");
export type DayFigures = z.infer<typeof DayFigures>;

/** How well a model named the pictures that were kept apart from its training. */
const Quality = z.object({
  accuracy: Share,
  log_loss: z.number().openapi({ description: "Mean surprise in nats; less is better" }),
});
export type Quality = z.infer<typeof Quality>;

/** A version of the built-in model whose last layer was fitted to a tenant's corrections. */
export const ModelRow = z.object({
  version: z.string(),
  created_at: Time,
  examples: z.number().int(),
  held_back: z.number().int(),
  before: Quality,
  after: Quality,
  /** The last layer, single precision, little end first. */
  weights: z.base64(),
  bias: z.number(),
});
export type ModelRow = z.infer<typeof ModelRow>;

/** A version of the model as its tenant sees it. */
export const ModelVersion = z.object({
  version: z.string().openapi({ example: "cats-dogs-1.2" }),
  active: z.boolean(),
  created_at: Time.nullable().openapi({ description: "null: it came with Imago" }),
  examples: z.number().int().openapi({ description: "Corrected pictures that it learned from" }),
  held_back: z.number().int().openapi({ description: "Corrected pictures it was judged by" }),
  before: Quality.nullable().openapi({ description: "The version that was active then" }),
  after: Quality.nullable(),
}).openapi("ModelVersion");
export type ModelVersion = z.infer<typeof ModelVersion>;

/** What came of retraining. */
export const Retraining = z.object({
  kept: z.boolean().openapi({ description: "false: it was not better and is forgotten" }),
  version: z.string().nullable(),
  ...ModelVersion.pick({ examples: true, held_back: true }).shape,
  before: Quality,
  after: Quality,
}).openapi("Retraining");
export type Retraining = z.infer<typeof Retraining>;

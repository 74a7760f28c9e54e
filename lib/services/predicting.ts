import type { Metrics } from "../metrics.ts";
import { createModels } from "../models.ts";
import { createPredictionFigures } from "../prediction_figures.ts";
import { createPredictions } from "../predictions.ts";
import { createOnnxClassifier } from "../predict/onnx_classifier.ts";
import { createPets } from "../predict/pets.ts";
import { createPetsClassifier } from "../predict/pets_classifier.ts";
import type { Accounts } from "./accounts.ts";
import type { Base } from "./base.ts";
import type { Writing } from "./writing.ts";

/** What tells what a picture shows, and learns from being corrected. */
export function createPredicting(
  base: Base,
  { pseudonym }: Accounts,
  { writer }: Writing,
  metrics: Metrics,
) {
  const { config, db, cores } = base;
  const pets = createPets({ size: cores });
  const models = createModels({ ...base, pets });
  const custom = config.PREDICT_MODEL_PATH
    ? createOnnxClassifier({ path: config.PREDICT_MODEL_PATH, size: cores })
    : null;
  const predictionFigures = createPredictionFigures({ db });
  const predictions = createPredictions({
    ...base,
    classifier: custom ?? createPetsClassifier({ pets, active: models.active }),
    writer,
    figures: predictionFigures,
    pseudonym,
    minConfidence: config.PREDICT_MIN_CONFIDENCE,
    observe(result, seconds) {
      metrics.predictions.inc({ result });
      if (seconds !== undefined) metrics.predictionSeconds.observe(seconds);
    },
  });
  return { pets, models, custom, predictionFigures, predictions };
}

export type Predicting = ReturnType<typeof createPredicting>;

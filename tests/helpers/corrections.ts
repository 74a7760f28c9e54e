import { encodeFeatures } from "../../lib/predict/encoding.ts";
import { tables } from "../../lib/tables.ts";
import type { TestApp } from "./app.ts";

/**
 * Predictions on record with feedback that corrects them: whoever's second feature is positive is a
 * dog, of which the built-in model knows nothing.
 */
export async function correct(
  app: TestApp,
  count: number,
  model = "cats-dogs-1",
  tenant = app.tenant.id,
) {
  const { db } = app.services;
  const created_at = new Date(app.clock.now()).toISOString();
  for (let i = 0; i < count; i++) {
    const sign = i % 2 ? 1 : -1;
    const features = Float32Array.from({ length: 256 }, (_, at) => at === 1 ? 4 * sign : 0);
    const id = crypto.randomUUID();
    await db.transact((tx) => {
      tx.set(tables.predictions.key(tenant, id), {
        ...{ id, tenant, created_at, inference_ms: 1, model_used: model },
        ...{ prediction: "Cat", scores: { cat: 1, dog: 0 }, features: encodeFeatures(features) },
      });
      tx.set(tables.feedback.key(tenant, id), {
        ...{ id, tenant, created_at, prediction_id: id, resultat_prediction: 1 },
        ...(sign > 0
          ? { feedback: "negative" as const, label: "dog" }
          : { feedback: "positive" as const, label: null }),
        input_pseudonym: "x",
      });
    });
  }
}

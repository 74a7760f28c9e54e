import { getLogger } from "@logtape/logtape";
import { type Clock, timestamp } from "./clock.ts";
import { Problem, type ProblemCode } from "./errors.ts";
import type { Imaging } from "./imaging/imaging.ts";
import type { Database } from "./kv.ts";
import type {
  Feedback,
  FeedbackRow,
  NewFeedback,
  Prediction,
  PredictionRow,
} from "./model/prediction.ts";
import type { Tenant } from "./model/tenant.ts";
import type { Classified, Classifier, ClassifierAbout } from "./predict/classifier.ts";
import type { PredictionFigures } from "./prediction_figures.ts";
import type { Pseudonym } from "./pseudonyms.ts";
import { type Probe, receive, type Received } from "./receive.ts";
import { purgeOlder } from "./retention.ts";
import type { Storage } from "./storage/storage.ts";
import { tables } from "./tables.ts";
import type { ProvidersScores, Writer } from "./writer.ts";

const log = getLogger(["imago", "predictions"]);

const UNKNOWN = "Unknown";
/** What a provider is shown. */
const JPEG = {
  name: "shown",
  fit: "inside",
  format: "jpeg",
  quality: 85,
  width: 1024,
  height: 1024,
} as const;

type Deps = {
  db: Database;
  storage: Storage;
  clock: Clock;
  /** Milliseconds, for durations. */
  ticks: () => number;
  newId: () => string;
  imaging: Imaging;
  probe: () => Probe;
  classifier: Classifier;
  writer: Writer;
  figures: PredictionFigures;
  pseudonym: Pseudonym;
  /** Below it the answer is "Unknown". */
  minConfidence: number;
  /** Told how each one ended, and in how many seconds where it was done. */
  observe: (result: string, seconds?: number) => void;
};

/** A picture to predict, in storage until it is discarded. */
export type Shown = Received & { name: string; key: string };

type Ask = { labels?: string[]; signal: AbortSignal };

/** Says what pictures show, remembers what it said, and what people say to that. */
export function createPredictions(deps: Deps) {
  const { db, storage, clock, newId, imaging, classifier, writer, figures, pseudonym } = deps;

  const open = async ({ key }: Shown) => {
    const stored = await storage.get(key);
    // The sweep takes what stands there for an hour.
    if (!stored) throw new Problem("request_timeout", "The picture arrived too slowly");
    return { stream: stored.body, length: stored.size };
  };

  const askClassifier = async (tenant: Tenant, shown: Shown, signal: AbortSignal) => {
    const { format } = shown;
    const { side } = classifier;
    const pixels = await imaging.pixels(await open(shown), { format, side }, { signal });
    return await classifier.classify(tenant.id, pixels, { signal });
  };

  const askProvider = async (tenant: Tenant, shown: Shown, labels: string[], ask: Ask) => {
    writer.refuseEarly(tenant);
    const { format } = shown;
    const request = { format, outputs: [JPEG] };
    const { outputs } = await imaging.render(await open(shown), request, { signal: ask.signal });
    const jpeg = outputs.shown!.bytes;
    return byProvider(await writer.classify(tenant, { jpeg }, labels, ask.signal));
  };

  /** Looks, and counts how that ended. */
  const look = async (tenant: Tenant, shown: Shown, ask: Ask) => {
    const began = deps.ticks();
    const { labels, signal } = ask;
    const classified =
      await (labels
        ? askProvider(tenant, shown, labels, ask)
        : askClassifier(tenant, shown, signal)).catch(asBadRequest);
    const elapsed = deps.ticks() - began;
    deps.observe("done", elapsed / 1000);
    return { classified, inference_ms: Math.round(elapsed) };
  };

  const remember = (row: PredictionRow) =>
    db.transact(async (tx) => {
      await refuseGone(tx.get(tables.tenants.key(row.tenant)));
      tx.set(tables.predictions.key(row.tenant, row.id), row);
      figures.predicted(tx, row.tenant, row.created_at, row.inference_ms);
    });

  /** Counts what could not be predicted, and throws it on. */
  const failed = (tenant: string) => async (error: unknown): Promise<never> => {
    deps.observe(error instanceof Problem ? error.code : "internal");
    await db.transact(async (tx) => {
      if (!(await tx.get(tables.tenants.key(tenant)))?.active) return;
      figures.failed(tx, tenant, timestamp(clock.now()));
    });
    throw error;
  };

  return {
    /** Streams a picture in; `invalid_request` where it is none. Discard it in any case. */
    async receive(tenant: string, name: string, body: ReadableStream<Uint8Array>): Promise<Shown> {
      const key = `${tenant}/${newId()}/shown`;
      const received = await receive(storage, deps.probe(), key, body)
        .catch(asBadRequest).catch(failed(tenant));
      return { ...received, name, key };
    },

    /** Forgets the picture: nothing of it is kept. */
    discard: ({ key }: Shown): Promise<void> => storage.delete(key),

    /**
     * Says what the picture shows: one of the classifier's labels, or one of `labels`, of which the
     * vision provider is asked. Throws `invalid_request` for what cannot be decoded, `unavailable`
     * when too many wait, `ai_unavailable`, `forbidden` or `budget_exceeded` with `labels`.
     */
    async predict(tenant: Tenant, shown: Shown, ask: Ask): Promise<Prediction> {
      const { classified, inference_ms } = await look(tenant, shown, ask)
        .catch(failed(tenant.id));
      const { scores, model, features } = classified;
      const [label, confidence] = best(scores);
      const isSure = confidence >= deps.minConfidence && !classified.isStrange;
      const row: PredictionRow = {
        id: newId(),
        tenant: tenant.id,
        created_at: timestamp(clock.now()),
        prediction: isSure ? capital(label) : UNKNOWN,
        scores,
        model_used: model,
        inference_ms,
        features,
      };
      await remember(row);
      return {
        filename: shown.name,
        prediction: row.prediction,
        confidence: percent(confidence),
        probabilities: Object.fromEntries(
          Object.entries(scores).map(([name, score]) => [name, percent(score)]),
        ),
        prediction_id: row.id,
        scores,
        model_used: model,
        inference_ms,
      };
    },

    /**
     * Keeps somebody's word on a prediction, instead of an earlier word on the same one. `not_found`
     * where there is no such prediction.
     */
    judge(tenant: string, given: NewFeedback): Promise<Feedback> {
      return db.transact(async (tx) => {
        const { prediction_id = null, label = null, feedback, resultat_prediction } = given;
        await refuseGone(tx.get(tables.tenants.key(tenant)));
        if (prediction_id && !await tx.get(tables.predictions.key(tenant, prediction_id))) {
          throw new Problem("not_found", `Cannot find prediction "${prediction_id}"`);
        }
        const id = prediction_id ?? newId();
        const former = await tx.get(tables.feedback.key(tenant, id));
        const row: FeedbackRow = {
          ...{ id, tenant, prediction_id, label, feedback, resultat_prediction },
          created_at: timestamp(clock.now()),
          input_pseudonym: pseudonym("input", given.input_user),
        };
        if (former) figures.judged(tx, former, -1);
        figures.judged(tx, row, 1);
        tx.set(tables.feedback.key(tenant, id), row);
        const { tenant: _, input_pseudonym: __, ...shown } = row;
        return shown;
      });
    },

    /** Forgets what was predicted before `before` (ms since 1970); gives how much. */
    purge: (tenant: string, before: number) => purgeOlder(db, tables.predictions, tenant, before),

    /** Forgets feedback, by its own age: it stands under the id of what may be much older. */
    purgeFeedback: (tenant: string, before: number) =>
      purgeOlder(db, tables.feedback, tenant, before, {
        isDue: ({ created_at }) => Date.parse(created_at) < before,
      }),

    /** How the last days went. */
    figures: (tenant: string, days: number) => figures.days(tenant, clock.now(), days),

    /** The model that predicts; null where it cannot be loaded. */
    async about(): Promise<ClassifierAbout | null> {
      try {
        return await classifier.about();
      } catch (error) {
        log.error("Cannot load the model that predicts: {error}", { error });
        return null;
      }
    },

    /** Loads the model; throws when it cannot be. */
    load: () => classifier.about(),
  };
}

export type Predictions = ReturnType<typeof createPredictions>;

function byProvider({ scores, model_used }: ProvidersScores): Classified {
  const byLabel = Object.fromEntries(scores.map(({ label, score }) => [label, score]));
  return { scores: byLabel, isStrange: false, model: model_used, features: null };
}

/** Here, a file that is no picture is a request that cannot be understood. */
const NO_PICTURE: ProblemCode[] = ["unsupported_type", "invalid_content"];

function asBadRequest(error: unknown): never {
  if (!(error instanceof Problem) || !NO_PICTURE.includes(error.code)) throw error;
  throw new Problem("invalid_request", error.detail, { cause: error });
}

async function refuseGone(read: Promise<Tenant | null>): Promise<void> {
  if (!(await read)?.active) throw new Problem("unauthorized", "The client is no longer active");
}

function best(scores: Record<string, number>): [label: string, score: number] {
  return Object.entries(scores).reduce((best, one) => one[1] > best[1] ? one : best);
}

/** "dog" → "Dog" */
function capital(label: string): string {
  return label.charAt(0).toUpperCase() + label.slice(1);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}

import type { Audit } from "./audit.ts";
import { type Clock, timestamp } from "./clock.ts";
import { Problem } from "./errors.ts";
import { type Database, newestFirst } from "./kv.ts";
import type { Locks } from "./locks.ts";
import type {
  FeedbackRow,
  ModelRow,
  ModelVersion,
  PredictionRow,
  Quality,
  Retraining,
} from "./model/prediction.ts";
import { decodeFeatures, decodeHead, encodeHead } from "./predict/encoding.ts";
import type { Example, Pets } from "./predict/pets.ts";
import { type Head, logit, sigmoid } from "./predict/pets_model.ts";
import { tables } from "./tables.ts";

/** The newest corrections that are learned from. */
const MAX_EXAMPLES = 2_000;
const MIN_EXAMPLES = 10;
/** Of cats and of dogs each. */
const MIN_OF_CLASS = 3;
/** So much of each class is kept apart, to judge by. */
const HELD_BACK = 0.2;
/** Versions of a tenant that are kept. */
const MAX_VERSIONS = 50;

type Deps = { db: Database; clock: Clock; locks: Locks; pets: Pets; audit: Audit };

/** A correction that can be learned from. */
type Correction = Example & { id: string };

/**
 * The built-in model as each tenant has it: its last layer can be fitted to the tenant's feedback,
 * and each fit that proves better is a version that can be taken back.
 */
export function createModels({ db, clock, locks, pets, audit }: Deps) {
  /** The tenant's own active version; null where the built-in one predicts. */
  const active = async (tenant: string): Promise<ModelRow | null> => {
    const version = await db.get(tables.activeModel.key(tenant));
    if (!version) return null;
    const { version: base } = await pets.about();
    // Another trunk sees other features: an older head says nothing about them.
    return isOf(base, version) ? await db.get(tables.models.key(tenant, version)) : null;
  };

  const rows = async (tenant: string): Promise<ModelRow[]> => {
    const entries = db.list<ModelRow>({ prefix: tables.models.prefix(tenant) });
    const all = (await Array.fromAsync(entries)).map(({ value }) => value);
    return all.sort((a, b) => a.created_at < b.created_at ? 1 : -1);
  };

  const corrections = async (tenant: string, base: string): Promise<Correction[]> => {
    const prefix = tables.feedback.prefix(tenant);
    const feedback = await newestFirst<FeedbackRow>(db, prefix, MAX_EXAMPLES);
    const examples = await Promise.all(feedback.map(async (row) => {
      const prediction = row.prediction_id &&
        await db.get(tables.predictions.key(tenant, row.prediction_id));
      return prediction ? learnable(row, prediction, base) : null;
    }));
    return examples.filter((example) => example !== null);
  };

  /** Puts on record that the tenant retrained, with the version where it was kept. */
  const conclude = (
    tenant: string,
    actor: string,
    { kept, examples, held_back }: Retraining,
    row: ModelRow,
    former: ModelRow[],
  ) =>
    db.transact((tx) => {
      const subject = kept ? row.version : null;
      audit.note(tx, tenant, actor, "model.retrained", {
        subject,
        details: { kept, examples, held_back },
      });
      if (!kept) return;
      for (const { version } of former.slice(MAX_VERSIONS - 1)) {
        tx.delete(tables.models.key(tenant, version));
      }
      tx.set(tables.models.key(tenant, row.version), row);
      tx.set(tables.activeModel.key(tenant), row.version);
    });

  return {
    active,

    /** All versions, the newest first, the built-in one last. */
    async list(tenant: string): Promise<ModelVersion[]> {
      const [own, all, about] = await Promise.all([active(tenant), rows(tenant), pets.about()]);
      const builtIn = { created_at: null, examples: 0, held_back: 0, before: null, after: null };
      return [
        ...all.filter(({ version }) => isOf(about.version, version)).map(
          ({ weights: _, bias: __, ...row }) => ({ ...row, active: row.version === own?.version }),
        ),
        { version: about.version, active: !own, ...builtIn },
      ];
    },

    /** Makes a version predict from now on. `not_found` where there is none of that name. */
    async activate(tenant: string, version: string, actor: string): Promise<ModelVersion> {
      const { version: base } = await pets.about();
      await db.transact(async (tx) => {
        const known = isOf(base, version) && await tx.get(tables.models.key(tenant, version));
        if (version === base) tx.delete(tables.activeModel.key(tenant));
        else if (known) tx.set(tables.activeModel.key(tenant), version);
        else throw new Problem("not_found", `Cannot find the model version "${version}"`);
        audit.note(tx, tenant, actor, "model.activated", { subject: version });
      });
      const all = await this.list(tenant);
      return all.find((one) => one.version === version)!;
    },

    /**
     * Fits the last layer to the tenant's corrected predictions. The fit is kept, and predicts from
     * then on, only if it names the pictures that were kept apart better than the active version.
     * `conflict` where there are too few corrections.
     */
    retrain(tenant: string, actor: string): Promise<Retraining> {
      return locks.run(`retrain:${tenant}`, async () => {
        const { version: base, head: builtIn } = await pets.about();
        const { learned, held } = apart(await corrections(tenant, base));
        const own = await active(tenant);
        const head = await pets.fit(learned);
        const before = qualityOf(own ? decodeHead(own) : builtIn, held);
        const after = qualityOf(head, held);
        const counts = { examples: learned.length, held_back: held.length };
        const former = await rows(tenant);
        const version = `${base}.${next(former)}`;
        const created_at = timestamp(clock.now());
        const row = { version, created_at, ...counts, before, after, ...encodeHead(head) };
        const kept = isBetter(after, before);
        const result = { kept, version: kept ? version : null, ...counts, before, after };
        await conclude(tenant, actor, result, row, former);
        return result;
      });
    },
  };
}

export type Models = ReturnType<typeof createModels>;

/** `cats-dogs-1.3` is a version of `cats-dogs-1`. */
function isOf(base: string, version: string): boolean {
  return version.startsWith(`${base}.`);
}

function next(former: ModelRow[]): number {
  return 1 + Math.max(0, ...former.map(({ version }) => Number(version.split(".").at(-1))));
}

/** What a label says, or else agreement with what was predicted; disagreement alone says too little. */
function learnable(
  { feedback, label }: FeedbackRow,
  { id, prediction, features, model_used }: PredictionRow,
  base: string,
): Correction | null {
  const truth = label ?? (feedback === "positive" ? prediction : "");
  const known = ["cat", "dog"].indexOf(truth.toLowerCase());
  const isComparable = model_used === base || isOf(base, model_used);
  if (known < 0 || !features || !isComparable) return null;
  return { id, features: decodeFeatures(features), isDog: known === 1 };
}

/**
 * A fifth of each class is kept apart, by the random end of the id: what was judged by once is
 * hardly ever learned from later.
 */
function apart(all: Correction[]): { learned: Correction[]; held: Correction[] } {
  const classes = [all.filter(({ isDog }) => isDog), all.filter(({ isDog }) => !isDog)];
  const least = Math.min(...classes.map(({ length }) => length));
  if (all.length < MIN_EXAMPLES || least < MIN_OF_CLASS) {
    throw new Problem(
      "conflict",
      `Cannot retrain: there are ${all.length} corrected predictions, ${least} of the rarer ` +
        `class; ${MIN_EXAMPLES} are needed, ${MIN_OF_CLASS} of each`,
    );
  }
  const parts = classes.map((some) => {
    const shuffled = some.toSorted((a, b) => a.id.slice(-12) < b.id.slice(-12) ? -1 : 1);
    const count = Math.max(1, Math.round(some.length * HELD_BACK));
    return { held: shuffled.slice(0, count), learned: shuffled.slice(count) };
  });
  return {
    held: parts.flatMap(({ held }) => held),
    learned: parts.flatMap(({ learned }) => learned),
  };
}

function qualityOf(head: Head, held: Example[]): Quality {
  const likelihoods = held.map(({ features, isDog }) => {
    const dog = sigmoid(logit(head, features));
    return isDog ? dog : 1 - dog;
  });
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / held.length;
  return {
    accuracy: mean(likelihoods.map((p) => Number(p > 0.5))),
    log_loss: mean(likelihoods.map((p) => -Math.log(Math.max(p, 1e-9)))),
  };
}

function isBetter(after: Quality, before: Quality): boolean {
  if (after.accuracy !== before.accuracy) return after.accuracy > before.accuracy;
  return after.log_loss < before.log_loss;
}

import { type Clock, timestamp } from "./clock.ts";
import { Problem, type ProblemCode } from "./errors.ts";
import type { Images } from "./images.ts";
import type { Database } from "./kv.ts";
import type { Locks } from "./locks.ts";
import type { ImageRow } from "./model/image.ts";
import type { Refusal, RefusalReason, UploadStats } from "./model/record.ts";
import { spanOf } from "./search/span.ts";
import { REFUSAL_MS, tables } from "./tables.ts";
import type { UploadCounts } from "./upload_stats.ts";

/** Refusals that a tenant keeps; the oldest one makes room for the next. */
const MAX_REFUSALS = 1_000;

const REASONS: Partial<Record<ProblemCode, RefusalReason>> = {
  unsupported_type: "invalid file format",
  too_large: "file too large",
  invalid_content: "image cannot be decoded",
};

type Deps = {
  db: Database;
  clock: Clock;
  newId: () => string;
  locks: Locks;
  images: Images;
  stats: UploadCounts;
};

/** What came of one upload. */
export type Attempt = ImageRow | Refusal;

/**
 * Every attempt to upload, refused ones too. What was taken in has its image for a record; only
 * refusals are written here, at most 1,000 a tenant, readable for 90 days.
 */
export function createRecords({ db, clock, newId, locks, images, stats }: Deps) {
  const oldest = () => clock.now() - REFUSAL_MS;

  /** A page of refusals, newest first. Expiry in the database comes late, so times are looked at. */
  const refusals = async (tenant: string, limit: number, before?: string): Promise<Refusal[]> => {
    const span = spanOf({ from: oldest() }, before);
    const selector = {
      start: tables.refusals.key(tenant, span.from),
      end: tables.refusals.key(tenant, span.before),
    };
    if (span.from >= span.before) return [];
    const entries = db.list<Refusal>(selector, { limit, reverse: true });
    return (await Array.fromAsync(entries)).map(({ value }) => value);
  };

  return {
    /**
     * Keeps that an upload of this name was refused, where `error` says that it was for what the
     * file is (415, 413, 422): call it with whatever a file was refused with. null for anything
     * else, and when the tenant is gone.
     */
    refuse(tenant: string, name: string, error: unknown): Promise<Refusal | null> {
      const reason = error instanceof Problem ? REASONS[error.code] : undefined;
      if (!reason) return Promise.resolve(null);
      // One after the other: each takes the next slot.
      return locks.run(`refusals:${tenant}`, () =>
        db.transact(async (tx) => {
          const owner = await tx.get(tables.tenants.key(tenant));
          if (!owner?.active) return null;
          const next = await tx.get(tables.refusalCount.key(tenant)) ?? 0;
          const slot = tables.refusalSlots.key(tenant, next % MAX_REFUSALS);
          const former = await tx.get(slot);
          if (former) tx.delete(tables.refusals.key(tenant, former));
          const id = newId();
          const created_at = timestamp(clock.now());
          const refusal: Refusal = { id, tenant, original_name: name, reason, created_at };
          tx.set(slot, id);
          tx.set(tables.refusalCount.key(tenant), next + 1);
          tx.set(tables.refusals.key(tenant, id), refusal);
          stats.refused(tx, tenant);
          return refusal;
        }));
    },

    /** A page of attempts, newest first; `before` is the last id of the page before. */
    async list(tenant: string, limit: number, before?: string): Promise<Attempt[]> {
      const [taken, refused] = await Promise.all([
        images.list(tenant, limit, before),
        refusals(tenant, limit, before),
      ]);
      return [...taken.items, ...refused].sort((a, b) => a.id < b.id ? 1 : -1).slice(0, limit);
    },

    /** One attempt, or a `not_found` problem. */
    async get(tenant: string, id: string): Promise<Attempt> {
      const refusal = await db.get(tables.refusals.key(tenant, id));
      const isKept = refusal && Date.parse(refusal.created_at) >= oldest();
      return isKept ? refusal : await images.get(tenant, id);
    },

    /** How all of them ended. */
    stats: (tenant: string): Promise<UploadStats> => stats.read(tenant),
  };
}

export type Records = ReturnType<typeof createRecords>;

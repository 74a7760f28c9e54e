import { type Clock, timestamp } from "./clock.ts";
import { Problem } from "./errors.ts";
import type { Feed } from "./feed.ts";
import { type Jobs } from "./jobs.ts";
import { isEnded } from "./step_runs.ts";
import type { Database, Transaction } from "./kv.ts";
import type { Locks } from "./locks.ts";
import type {
  Ai,
  AiUsage,
  Exif,
  ImageFilter,
  ImageRow,
  ImageStatus,
  Ocr,
  Rendition,
  RenditionName,
  TagCount,
} from "./model/image.ts";
import type { Job, StepRun } from "./model/job.ts";
import type { Tenant } from "./model/tenant.ts";
import type { Variants } from "./model/transform.ts";
import type { Quotas } from "./quotas.ts";
import { type Probe, receive } from "./receive.ts";
import { type Alike, createSearch } from "./search.ts";
import type { Page } from "./search/pages.ts";
import { timeOf } from "./search/span.ts";
import type { Storage } from "./storage/storage.ts";
import { tables } from "./tables.ts";
import type { UploadCounts } from "./upload_stats.ts";

/** OCR text is kept in pieces of so many characters, each well under a KV value's 64 KiB. */
const PIECE = 20_000;
const MAX_PIECES = 10;

type Deps = {
  db: Database;
  storage: Storage;
  clock: Clock;
  newId: () => string;
  locks: Locks;
  quotas: Quotas;
  jobs: Jobs;
  feed: Feed;
  stats: UploadCounts;
  /** Names of the pipeline's steps, in order. */
  steps: string[];
  probe: () => Probe;
};

/** What a step learned of an image. */
export type Patch = {
  width?: number;
  height?: number;
  thumbhash?: string;
  dhash?: string;
  renditions?: Partial<Record<RenditionName, Rendition>>;
  exif?: Exif;
  ocr?: Ocr;
  ai?: Ai;
  ai_version?: string;
  ai_usage?: AiUsage;
};

/** Images of a tenant. The only code that writes image records. */
export function createImages(deps: Deps) {
  const { db, storage, clock, newId, locks, quotas, jobs, feed, stats } = deps;
  const search = createSearch({ db });

  const refuseUnlessFound = <T>(row: T | null, id: string): T => {
    if (!row) throw new Problem("not_found", `Cannot find image "${id}"`);
    return row;
  };

  return {
    /**
     * Takes in a picture: bytes first, then record, job and event in one transaction. Nothing is
     * left behind when it is refused: `unsupported_type`, `invalid_content`, `quota_exceeded`, or
     * what `body` fails with.
     */
    async add(
      tenant: Tenant,
      file: { name: string; body: ReadableStream<Uint8Array>; cameraId?: string },
    ): Promise<ImageRow> {
      const id = newId();
      const key = `${tenant.id}/${id}/original`;
      const received = await receive(storage, deps.probe(), key, file.body);
      try {
        return await locks.run(tenant.id, () =>
          db.transact(async (tx) => {
            const owner = await tx.get(tables.tenants.key(tenant.id));
            if (!owner?.active) throw new Problem("unauthorized", "The client is deactivated");
            await quotas.charge(tx, owner, received.size);
            const job = await jobs.add(tx, {
              tenant: tenant.id,
              plan: owner.plan,
              subject: id,
              steps: deps.steps,
            });
            const row: ImageRow = {
              id,
              tenant: tenant.id,
              original_name: file.name,
              format: received.format,
              mime_type: received.mime,
              width: received.width,
              height: received.height,
              size_bytes: received.size,
              sha256: received.sha256,
              source: file.cameraId ? "camera" : "upload",
              camera_id: file.cameraId ?? null,
              status: "pending",
              // So that the order of ids is the order of times.
              created_at: timestamp(timeOf(id)),
              started_at: null,
              done_at: null,
              job: job.id,
              steps: job.steps,
              original: key,
              renditions: {},
              thumbhash: null,
              dhash: null,
              exif: null,
              ocr: null,
              ai: null,
              ai_version: null,
              ai_usage: null,
            };
            tx.set(tables.images.key(tenant.id, id), row);
            tx.set(tables.imagesByHash.key(tenant.id, row.sha256, id), true);
            await search.index(tx, row);
            stats.accepted(tx, row);
            feed.emit(tx, tenant.id, "image.pending", { image_id: id });
            return row;
          }));
      } catch (error) {
        // After any other error the commit may have taken place: then the sweep decides.
        if (error instanceof Problem) await storage.delete(key);
        throw error;
      }
    },

    /** One image, or a `not_found` problem. */
    async get(tenant: string, id: string): Promise<ImageRow> {
      return refuseUnlessFound(await db.get(tables.images.key(tenant, id)), id);
    },

    /** One image with the version of its record, for ETags. */
    async getVersioned(tenant: string, id: string): Promise<{ row: ImageRow; version: string }> {
      const entry = await db.entry(tables.images.key(tenant, id));
      return { row: refuseUnlessFound(entry.value, id), version: entry.versionstamp ?? "" };
    },

    /** The whole text that OCR found; "" where there is none. */
    async text(tenant: string, id: string): Promise<string> {
      let text = "";
      const pieces = db.list<string>({ prefix: tables.texts.prefix(tenant, id) });
      for await (const { value } of pieces) text += value;
      return text;
    },

    /** A page of images, newest first; `before` is where the page before ended. */
    list(
      tenant: string,
      limit: number,
      before?: string,
      filter: ImageFilter = {},
    ): Promise<Page<ImageRow>> {
      return search.find(tenant, filter, limit, before);
    },

    /** The most used tags, and how many images have each. */
    tags(tenant: string): Promise<TagCount[]> {
      return search.tags(tenant);
    },

    /** Images of the tenant that look like this one, the most alike first, 20 at most. */
    alike(row: ImageRow): Promise<Alike[]> {
      return search.alike(row);
    },

    /** Other images of the tenant with the same bytes, newest first. */
    async *twins(row: ImageRow): AsyncGenerator<ImageRow> {
      const prefix = tables.imagesByHash.prefix(row.tenant, row.sha256);
      for await (const { key } of db.list({ prefix }, { limit: 20, reverse: true })) {
        const id = String(key[3]);
        const twin = id === row.id ? null : await db.get(tables.images.key(row.tenant, id));
        if (twin) yield twin;
      }
    },

    /**
     * Writes within `tx` where a job stands, and what its steps learned. Returns the record, or
     * null when the image is gone or another job has taken it over.
     */
    async record(tx: Transaction, job: Job, patches: Patch[] = []): Promise<ImageRow | null> {
      const key = tables.images.key(job.tenant, job.subject);
      const before = await tx.get(key);
      if (before?.job !== job.id) return null;
      const { ocr, ...patch }: Patch = Object.assign({}, ...patches);
      const row: ImageRow = { ...before, ...patch, steps: { ...before.steps, ...job.steps } };
      if (ocr) row.ocr = writeText(tx, row, ocr);
      row.status = statusOf(row.steps);
      row.started_at ??= timestamp(clock.now());
      row.done_at = row.status === "processing" ? null : timestamp(clock.now());
      tx.set(key, row);
      stats.changed(tx, before, row, !before.done_at && !job.fresh);
      await search.index(tx, row, ocr?.text);
      for (const [step, { state }] of changes(before.steps, row.steps)) {
        feed.emit(tx, row.tenant, "image.step", { image_id: row.id, step, state });
      }
      if (row.done_at) {
        const type = row.status === "failed" ? "image.failed" : "image.done";
        feed.emit(tx, row.tenant, type, { image_id: row.id, status: row.status });
      }
      return row;
    },

    /**
     * Runs steps again, all or some, asking their sources anew. `conflict` while work is under way.
     * `along` writes what belongs to it.
     */
    reprocess(
      tenant: Tenant,
      id: string,
      only: string[] = deps.steps,
      along: (tx: Transaction) => void = () => {},
    ): Promise<ImageRow> {
      const key = tables.images.key(tenant.id, id);
      return db.transact(async (tx) => {
        const before = refuseUnlessFound(await tx.get(key), id);
        if (before.status === "pending" || before.status === "processing") {
          throw new Problem("conflict", "Cannot reprocess: the image is being processed");
        }
        const steps = deps.steps.filter((name) => only.includes(name));
        const job = await jobs.add(tx, {
          tenant: tenant.id,
          plan: tenant.plan,
          subject: id,
          steps,
          fresh: true,
        });
        for (const step of steps) await jobs.unbury(tx, tenant.id, id, step);
        const row: ImageRow = {
          ...before,
          status: "pending",
          started_at: null,
          done_at: null,
          job: job.id,
          steps: { ...before.steps, ...job.steps },
        };
        tx.set(key, row);
        stats.changed(tx, before, row);
        await search.index(tx, row);
        feed.emit(tx, tenant.id, "image.pending", { image_id: id });
        along(tx);
        return row;
      });
    },

    /** Deletes an image with everything that was made of it, and frees its quota once. */
    async remove(tenant: string, id: string): Promise<void> {
      const objects = await locks.run(tenant, () =>
        db.transact(async (tx) => {
          const key = tables.images.key(tenant, id);
          const row = refuseUnlessFound(await tx.get(key), id);
          const variants = await tx.get(tables.variants.key(tenant, id)) ?? {};
          tx.delete(key);
          tx.delete(tables.variants.key(tenant, id));
          tx.delete(tables.imagesByHash.key(tenant, row.sha256, id));
          await search.forget(tx, tenant, id);
          for (let piece = 0; piece < MAX_PIECES; piece++) {
            tx.delete(tables.texts.key(tenant, id, piece));
          }
          for (const step of Object.keys(row.steps)) await jobs.unbury(tx, tenant, id, step);
          await jobs.cancel(tx, tenant, row.job);
          await quotas.release(tx, tenant, row.size_bytes);
          stats.removed(tx, row);
          feed.emit(tx, tenant, "image.deleted", { image_id: id });
          return objectsOf(row, variants);
        }));
      await Promise.all(objects.map((object) => storage.delete(object)));
    },
  };

  function writeText(tx: Transaction, row: ImageRow, { text, ...ocr }: Ocr) {
    for (let piece = 0; piece < MAX_PIECES; piece++) {
      const part = text.slice(piece * PIECE, (piece + 1) * PIECE);
      const key = tables.texts.key(row.tenant, row.id, piece);
      if (part) tx.set(key, part);
      else if (row.ocr) tx.delete(key);
    }
    return ocr;
  }
}

export type Images = ReturnType<typeof createImages>;

/** Storage keys of an image's bytes, and of what was made of it on demand. */
export function objectsOf(row: ImageRow, variants: Variants = {}): string[] {
  const made = [...Object.values(row.renditions), ...Object.values(variants)];
  return [row.original, ...made.map(({ key }) => key)];
}

/**
 * What an image's steps amount to: `partial` when one gave up and another succeeded, `failed` when
 * none succeeded or the picture cannot be decoded. Skipped steps count neither way.
 */
export function statusOf(steps: Record<string, StepRun>): ImageStatus {
  const runs = Object.values(steps);
  if (!runs.every(isEnded)) return "processing";
  const failed = runs.filter(({ state }) => state === "failed");
  if (failed.length === 0) return "done";
  return isUndecodable(steps) || !runs.some(({ state }) => state === "done") ? "failed" : "partial";
}

/** Whether the picture turned out to be damaged when it was to be decoded. */
export function isUndecodable({ renditions }: Record<string, StepRun>): boolean {
  return renditions?.state === "failed" && renditions.errors.at(-1)?.code === "invalid_content";
}

function changes(before: Record<string, StepRun>, after: Record<string, StepRun>) {
  return Object.entries(after).filter(([name, { state }]) => before[name]?.state !== state);
}

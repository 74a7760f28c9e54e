import { createHash } from "node:crypto";
import { getLogger } from "@logtape/logtape";
import type { Drafts } from "./drafts.ts";
import { Problem, type ProblemCode } from "./errors.ts";
import type { Feed } from "./feed.ts";
import type { Imaging, OutputSpec } from "./imaging/imaging.ts";
import type { Database } from "./kv.ts";
import { mediaKey, type NewPhoto } from "./media.ts";
import type { DraftRow } from "./model/draft.ts";
import type { SafeFetch } from "./net/safe_fetch.ts";
import { type Probe, receive, type Received } from "./receive.ts";
import type { Storage } from "./storage/storage.ts";
import { tables } from "./tables.ts";

const log = getLogger(["imago", "ingest"]);

/** Addresses that one request reads at once. */
const FETCHES = 4;

type Deps = {
  db: Database;
  storage: Storage;
  imaging: Imaging;
  newId: () => string;
  feed: Feed;
  drafts: Drafts;
  web: SafeFetch;
  /** Keeps a record of a file that was refused for what it is. */
  refuse: (tenant: string, name: string, error: unknown) => Promise<unknown>;
  probe: () => Probe;
  /** Of one photo as it comes. */
  maxBytes: number;
  /** Longest side of a photo as it is kept, in pixels. */
  maxSide: number;
  /** JPEG quality, 1..100. */
  quality: number;
  cores: number;
};

/** A photo as it came, in storage for as long as its batch is open. */
export type RawPhoto = Received & { name: string; key: string };

/** Makes drafts of the photos that one request brings. */
export function createIngest(deps: Deps) {
  const { db, storage, imaging, newId, feed, drafts, web, maxBytes, maxSide, quality } = deps;
  const output: OutputSpec = {
    ...{ name: "photo", fit: "inside", format: "jpeg", quality, width: maxSide, height: maxSide },
  };

  /** Told to the tenant's feed, unless the tenant is being erased. */
  const tellProgress = (tenant: string, draft_id: string, done: number, total: number) =>
    db.transact(async (tx) => {
      if (!(await tx.get(tables.tenants.key(tenant)))?.active) return;
      feed.emit(tx, tenant, "ingest.progress", { draft_id, done, total });
    });

  /** Names the file that a refusal is about, and keeps a record of it. */
  const blame = (tenant: string, name: string) => async (error: unknown): Promise<never> => {
    if (!(error instanceof Problem) || !PHOTOS_OWN.includes(error.code)) throw error;
    await deps.refuse(tenant, name, error);
    throw new Problem(error.code, `Cannot take "${name}": ${error.detail}`, error.extras);
  };

  /** Upright, in sRGB, without metadata, at most as large as wanted. */
  const develop = async (tenant: string, raw: RawPhoto) => {
    const stored = await storage.get(raw.key);
    // The sweep takes what stands there for an hour.
    if (!stored) throw new Problem("request_timeout", "The photos arrived too slowly");
    const body = { stream: stored.body, length: stored.size };
    try {
      const request = { format: raw.format, outputs: [output] };
      const { outputs } = await imaging.render(body, request).catch(blame(tenant, raw.name));
      return outputs.photo!;
    } finally {
      // Nobody began to read it where the decoders had no room.
      if (!stored.body.locked) await stored.body.cancel();
    }
  };

  return {
    /**
     * Opens a batch: receive (or fetch) its photos, then `finish` makes a draft of them, all or
     * nothing. Close it in any case: what no draft has taken over goes then.
     */
    open(tenant: string) {
      const draft = newId();
      const leftovers = new Set<string>();

      const take = async (name: string, body: ReadableStream<Uint8Array>): Promise<RawPhoto> => {
        const key = `${tenant}/${newId()}/raw`;
        leftovers.add(key);
        const received = await receive(storage, deps.probe(), key, body).catch(blame(tenant, name));
        return { ...received, name, key };
      };

      const keep = async (raw: RawPhoto): Promise<NewPhoto> => {
        const { bytes, width, height } = await develop(tenant, raw);
        const sha256 = createHash("sha256").update(bytes).digest("hex");
        const id = newId();
        const key = mediaKey(tenant, id, sha256);
        leftovers.add(key);
        await storage.put(key, bytes);
        const size_bytes = bytes.length;
        log.info("photo", { sha256, mime: raw.mime, size: raw.size, size_bytes, width, height });
        return { id, key, sha256, width, height, size_bytes };
      };

      return {
        /** Streams in one photo; throws a problem that names it when it is none. */
        receive: take,

        /**
         * Reads photos from addresses that a stranger names. One `invalid_content` for whatever
         * cannot be read.
         */
        fetch: (urls: string[]): Promise<RawPhoto[]> =>
          sideBySide(urls, FETCHES, async (url) => {
            const { body } = await web.fetch(url, { maxBytes, accept: () => true });
            return await take(url, new Blob([new Uint8Array(body)]).stream());
          }),

        /** Decodes the photos side by side, then commits all of it at once. */
        async finish(raws: RawPhoto[], title: string): Promise<DraftRow> {
          let done = 0;
          await tellProgress(tenant, draft, done, raws.length);
          const photos = await sideBySide(raws, deps.cores, async (raw) => {
            const photo = await keep(raw);
            await tellProgress(tenant, draft, ++done, raws.length);
            return photo;
          });
          try {
            const { row, used } = await drafts.add(tenant, { id: draft, title }, photos);
            used.forEach((key) => leftovers.delete(key));
            return row;
          } catch (error) {
            // After any other error the commit may have taken place: then the sweep decides.
            if (!(error instanceof Problem)) photos.forEach(({ key }) => leftovers.delete(key));
            throw error;
          }
        },

        /** Deletes what no draft has taken over; what cannot be deleted now, the sweep does. */
        async close(): Promise<void> {
          const deleted = await Promise.allSettled(
            [...leftovers].map((key) => storage.delete(key)),
          );
          const failed = deleted.find(({ status }) => status === "rejected");
          if (failed) log.warn("Cannot delete the leftovers of a batch: {failed}", { failed });
        },
      };
    },
  };
}

export type Ingest = ReturnType<typeof createIngest>;

/** What is wrong with a photo, as opposed to the request, the disk or the machine. */
const PHOTOS_OWN: ProblemCode[] = ["unsupported_type", "invalid_content", "invalid_request"];

/** Works on so many items at once; after a failure it begins no other, and ends what it began. */
async function sideBySide<T, R>(
  items: T[],
  most: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>();
  const waiting = items.entries();
  const failures: unknown[] = [];
  const run = async () => {
    for (const [at, item] of waiting) {
      if (failures.length) return;
      await work(item).then((result) => results.set(at, result), (error) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: most }, run));
  if (failures.length) throw failures[0];
  return items.map((_, at) => results.get(at)!);
}

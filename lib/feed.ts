import { type Clock, timestamp } from "./clock.ts";
import type { Database, Transaction } from "./kv.ts";
import type { FeedItem, FeedPlace as Place } from "./model/feed.ts";
import { firstIdAt, timeOf } from "./search/span.ts";
import { tables } from "./tables.ts";

/** How often a waiting reader looks for what another process wrote. */
const LOOK_MS = 1_000;
/** A writer commits an item at most so long after it has given it its id. */
const OVERLAP_MS = 2_000;
const BATCH = 1_000;

type Deps = { db: Database; clock: Clock; newId: () => string };
type Entry = Deno.KvEntry<FeedItem>;
type Listener = (tenant: string, type: string) => void;

/** The log of what happened to a tenant's things, in order. */
export function createFeed({ db, clock, newId }: Deps) {
  const waiting = new Map<string, Set<() => void>>();
  const listeners = new Set<Listener>();

  const wake = (tenant: string) => {
    const woken = waiting.get(tenant);
    waiting.delete(tenant);
    woken?.forEach((resolve) => resolve());
  };

  /** What a reader at `place` has not seen, in the order of commits; a part of it when it is much. */
  const unseen = async (tenant: string, place: Place): Promise<Entry[]> => {
    const start = tables.feed.key(tenant, firstIdAt(timeOf(place.id) - OVERLAP_MS));
    const end = tables.feed.key(tenant, "~");
    const found: Entry[] = [];
    for await (const entry of db.list<FeedItem>({ start, end }, { batchSize: 500 })) {
      if (order(placeOf(entry), place) > 0) found.push(entry);
      if (found.length === BATCH) break;
    }
    // Behind a full batch there may be items that were committed before its last ones.
    const certain = found.length < BATCH
      ? "~"
      : firstIdAt(timeOf(found.at(-1)!.value.id) - OVERLAP_MS);
    found.sort((a, b) => order(placeOf(a), placeOf(b)));
    const sure = found.filter(({ value }) => value.id < certain);
    return sure.length ? sure : found;
  };

  /** Where the log ends now. */
  const end = async (tenant: string): Promise<Place> => {
    let place: Place = { version: "", id: newId() };
    const start = tables.feed.key(tenant, firstIdAt(clock.now() - OVERLAP_MS));
    for await (const entry of db.list<FeedItem>({ start, end: tables.feed.key(tenant, "~") })) {
      if (order(placeOf(entry), place) > 0) place = placeOf(entry);
    }
    return place;
  };

  /** Resolves when something was told to the tenant here, or may have been told elsewhere. */
  const news = (tenant: string, signal?: AbortSignal): Promise<void> => {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const readers = waiting.get(tenant) ?? new Set();
      waiting.set(tenant, readers);
      const cancel = clock.after(LOOK_MS, () => done());
      const done = () => {
        cancel();
        signal?.removeEventListener("abort", done);
        readers.delete(done);
        if (readers.size === 0 && waiting.get(tenant) === readers) waiting.delete(tenant);
        resolve();
      };
      signal?.addEventListener("abort", done);
      readers.add(done);
    });
  };

  return {
    news,

    /** Tells a fact within the transaction that makes it true. */
    emit(tx: Transaction, tenant: string, type: string, data: FeedItem["data"]) {
      const item: FeedItem = { id: newId(), type, at: timestamp(clock.now()), data };
      tx.set(tables.feed.key(tenant, item.id), item);
      tx.afterCommit(() => wake(tenant));
      tx.afterCommit(() => listeners.forEach((listener) => listener(tenant, type)));
    },

    /** Calls `listener` for what is told in this process, until the returned function is called. */
    listen(listener: Listener): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    /** Where the log ends now, for `after`. */
    end,

    /** The place of an item; null when it is not (or no longer) in the log. */
    async find(tenant: string, id: string): Promise<Place | null> {
      const entry = await db.entry(tables.feed.key(tenant, id));
      return entry.value ? placeOf(entry) : null;
    },

    /** The next items behind a place, in the order of commits, each with its own place. */
    async after(tenant: string, place: Place): Promise<{ item: FeedItem; place: Place }[]> {
      const entries = await unseen(tenant, place);
      return entries.map((entry) => ({ item: entry.value, place: placeOf(entry) }));
    },
  };
}

export type Feed = ReturnType<typeof createFeed>;

function placeOf({ versionstamp, value }: Entry): Place {
  return { version: versionstamp, id: value.id };
}

/** Which of two places comes first in the order of commits: below 0 for `a`, above 0 for `b`. */
export function order(a: Place, b: Place): number {
  if (a.version !== b.version) return a.version < b.version ? -1 : 1;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

import { type Clock, timestamp } from "../clock.ts";
import { type Feed, order } from "../feed.ts";
import type { FeedItem, FeedPlace as Place } from "../model/feed.ts";
import { timeOf } from "../search/span.ts";

/** Items that a tail keeps in memory; who is further behind reads the log for itself. */
const KEPT = 256;
/** Items are kept in the log for days: a place that is younger is still in it. */
const SURE_MS = 24 * 60 * 60 * 1000;

type Entry = { item: FeedItem; place: Place };

/** A reader was so slow that what it has not read yet is no longer in the log. */
export class FellBehind extends Error {
  override readonly name = "FellBehind";
}

type Deps = { feed: Feed; clock: Clock };

/**
 * Follows the log of a tenant once for all who follow it here: the last items are handed on from
 * memory, so that an event costs one reading of the database and not one for each socket.
 */
export function createTails({ feed, clock }: Deps) {
  const tails = new Map<string, Tail>();
  let closed = false;

  const join = (tenant: string): Tail => {
    const tail = tails.get(tenant) ?? createTail(feed, tenant);
    tails.set(tenant, tail);
    tail.readers++;
    return tail;
  };

  const leave = (tenant: string, tail: Tail) => {
    if (--tail.readers > 0) return;
    tail.end();
    if (tails.get(tenant) === tail) tails.delete(tenant);
  };

  async function* read(tail: Tail, tenant: string, from: Place, signal: AbortSignal) {
    let place = from;
    while (!signal.aborted && !closed) {
      // Listen before looking, so that nothing slips through between the two.
      const told = tail.news(signal);
      const entries = tail.behind(place) ?? await readLog(tenant, place);
      for (const entry of entries) {
        if (signal.aborted) return;
        yield entry.item;
        place = entry.place;
      }
      if (entries.length === 0) await told;
    }
  }

  const readLog = async (tenant: string, place: Place): Promise<Entry[]> => {
    const old = place.version !== "" && timeOf(place.id) < clock.now() - SURE_MS;
    if (old && !await feed.find(tenant, place.id)) throw new FellBehind();
    return await feed.after(tenant, place);
  };

  return {
    /**
     * Everything that happens to a tenant's things after the item `after`, or from now on: each
     * item once, in the order of commits, until `signal` aborts. Resolves when the place is taken.
     * An item of type `reset` comes first when `after` is not (or no longer) in the log: what lies
     * between is lost. Fails with `FellBehind` when a reader's place has left the log.
     */
    async follow(
      tenant: string,
      after: string | null,
      signal: AbortSignal,
    ): Promise<AsyncIterable<FeedItem>> {
      signal.throwIfAborted();
      const tail = join(tenant);
      signal.addEventListener("abort", () => leave(tenant, tail), { once: true });
      await tail.ready;
      const known = after === null ? null : await feed.find(tenant, after);
      const place = known ?? tail.place();
      const items = read(tail, tenant, place, signal);
      if (after === null || known) return items;
      const reset = { id: place.id, type: "reset", at: timestamp(clock.now()), data: {} };
      return first(reset, items);
    },

    /** Ends what everybody follows, so that the server can stop. */
    close() {
      closed = true;
      for (const tail of tails.values()) tail.wake();
    },

    /** How many logs are followed. */
    count: () => tails.size,
  };
}

export type Tails = ReturnType<typeof createTails>;

type Tail = ReturnType<typeof createTail>;

/** The newest items of one log, as they come. */
function createTail(feed: Feed, tenant: string) {
  const ended = new AbortController();
  const waiting = new Set<() => void>();
  let kept: Entry[] = [];
  /** Everything behind it is in `kept`. */
  let floor: Place = { version: "", id: "" };
  let place = floor;
  let failure: { cause: unknown } | null = null;

  const wake = () => {
    for (const told of [...waiting]) told();
  };

  const watch = async () => {
    while (!ended.signal.aborted) {
      const told = feed.news(tenant, ended.signal);
      const entries = await feed.after(tenant, place);
      if (entries.length === 0) {
        await told;
        continue;
      }
      kept = kept.concat(entries);
      place = entries.at(-1)!.place;
      const dropped = kept.splice(0, Math.max(0, kept.length - KEPT));
      floor = dropped.at(-1)?.place ?? floor;
      wake();
    }
  };

  const ready = feed.end(tenant).then((end) => void (floor = place = end));
  ready.then(watch).catch((cause) => {
    failure = { cause };
    wake();
  });

  return {
    readers: 0,
    ready,
    wake,

    /** Where the log ends, as far as it is known here. */
    place: () => place,

    /** What lies behind a place; null when a part of it is no longer in memory. Throws what ended it. */
    behind(from: Place): Entry[] | null {
      if (failure) throw failure.cause;
      if (order(from, floor) < 0) return null;
      return kept.slice(kept.findLastIndex((entry) => order(entry.place, from) <= 0) + 1);
    },

    /** Resolves when there is something to look for. */
    news(signal: AbortSignal): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      const told = () => {
        waiting.delete(told);
        signal.removeEventListener("abort", told);
        resolve();
      };
      waiting.add(told);
      signal.addEventListener("abort", told);
      return promise;
    },

    end: () => ended.abort(),
  };
}

async function* first(item: FeedItem, items: AsyncIterable<FeedItem>): AsyncGenerator<FeedItem> {
  yield item;
  yield* items;
}

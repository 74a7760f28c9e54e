import { isDeepStrictEqual } from "node:util";
import { type Clock, idAt, timestamp } from "./clock.ts";
import { Problem } from "./errors.ts";
import { countsOf, factsOf, isCounted } from "./event_terms.ts";
import type { Feed } from "./feed.ts";
import type { Images } from "./images.ts";
import type { Database, Transaction } from "./kv.ts";
import type {
  Event,
  EventFilter,
  EventPatch,
  EventRow,
  EventStats,
  NewEvent,
} from "./model/event.ts";
import { createPages, type Page, rarest } from "./search/pages.ts";
import { createPostings } from "./search/postings.ts";
import { isEmpty, spanOf, timeOf } from "./search/span.ts";
import { createTermIndex } from "./search/term_index.ts";
import { tables } from "./tables.ts";

/** Clocks of cameras go wrong; further ahead than this an event is refused. */
const MAX_AHEAD_MS = 5 * 60 * 1000;
/** Counters that statistics read at most: a few kinds, one a camera, one a day. */
const MAX_COUNTERS = 10_000;

type Deps = {
  db: Database;
  clock: Clock;
  newId: () => string;
  feed: Feed;
  images: Pick<Images, "get" | "remove">;
  /** Whether the tenant has such a camera, as the transaction sees it. */
  cameraExists: (tx: Transaction, tenant: string, id: string) => Promise<boolean>;
};

/** Looks at the record that is about to change; what it throws refuses the change. */
type Check = (row: EventRow) => void;

/**
 * What was seen, newest first by when it occurred: an id is a UUIDv7 of that moment. The only code
 * that writes events, their index and their counters.
 */
export function createEvents({ db, clock, newId, feed, images, cameraExists }: Deps) {
  const pages = createPages<EventRow>(db, tables.events);
  const postings = createPostings(db, tables.eventsBy);
  const { move } = createTermIndex(
    db,
    tables.eventsBy,
    (tenant, term) => isCounted(term) ? tables.eventCounts.key(tenant, term) : null,
  );

  const add = async (tx: Transaction, tenant: string, input: NewEvent): Promise<EventRow> => {
    const owner = await tx.get(tables.tenants.key(tenant));
    if (!owner?.active) throw new Problem("unauthorized", "The client is deactivated");
    await refuseUnknown(tx, tenant, input);
    const id = input.occurred_at ? idAt(momentOf(input.occurred_at, clock.now())) : newId();
    const row: EventRow = {
      ...input,
      ...{ id, tenant, version: 1 },
      occurred_at: timestamp(timeOf(id)),
      created_at: timestamp(clock.now()),
      ...unacknowledged,
    };
    await write(tx, null, row);
    feed.emit(tx, tenant, "event.created", viewOf(row));
    return row;
  };

  const refuseUnknown = async (tx: Transaction, tenant: string, input: NewEvent) => {
    const { camera_id, image_id } = input;
    if (camera_id && !await cameraExists(tx, tenant, camera_id)) throw unknown("camera", camera_id);
    const image = image_id && await tx.get(tables.images.key(tenant, image_id));
    if (image_id && !image) throw unknown("image", image_id);
  };

  const write = async (tx: Transaction, before: EventRow | null, after: EventRow | null) => {
    const { tenant, id } = (after ?? before)!;
    const key = tables.events.key(tenant, id);
    if (after) tx.set(key, after);
    else tx.delete(key);
    await move(tx, tenant, id, before ? factsOf(before) : [], after ? factsOf(after) : []);
  };

  const change = (
    tenant: string,
    id: string,
    patch: EventPatch,
    by: string,
    check: Check,
  ): Promise<EventRow> =>
    db.transact(async (tx) => {
      const before = refuseUnlessFound(await tx.get(tables.events.key(tenant, id)), id);
      check(before);
      const after = { ...before, ...patch };
      if (isDeepStrictEqual(before, after)) return before;
      after.version++;
      const acknowledging = after.acknowledged && !before.acknowledged;
      const at = timestamp(clock.now());
      if (acknowledging) Object.assign(after, { acknowledged_by: by, acknowledged_at: at });
      if (!after.acknowledged) Object.assign(after, unacknowledged);
      await write(tx, before, after);
      const type = acknowledging ? "event.acknowledged" : "event.updated";
      feed.emit(tx, tenant, type, viewOf(after));
      return after;
    });

  const remove = async (tenant: string, id: string, check: Check = () => {}): Promise<void> => {
    const row = await db.transact(async (tx) => {
      const before = refuseUnlessFound(await tx.get(tables.events.key(tenant, id)), id);
      check(before);
      await write(tx, before, null);
      feed.emit(tx, tenant, "event.deleted", viewOf(before));
      return before;
    });
    if (row.image_id) await releaseFrame(tenant, row.image_id);
  };

  const holds = async (tenant: string, image: string): Promise<boolean> =>
    !(await db.list({ prefix: tables.eventsBy.prefix(tenant, `image:${image}`) }, { limit: 1 })
      .next()).done;

  /** A camera's frame goes with its last event; what a crash leaves here, its retention takes. */
  const releaseFrame = async (tenant: string, id: string) => {
    try {
      const { source } = await images.get(tenant, id);
      if (source === "camera" && !await holds(tenant, id)) await images.remove(tenant, id);
    } catch (error) {
      if (!(error instanceof Problem && error.code === "not_found")) throw error;
    }
  };

  return {
    /**
     * Writes a new event within `tx`. `invalid_content` for a camera or an image that the tenant
     * does not have, and for a moment in the future; `unauthorized` when the tenant is not active.
     */
    add,

    /** Like `add`, in a transaction of its own. */
    create(tenant: string, input: NewEvent): Promise<EventRow> {
      return db.transact((tx) => add(tx, tenant, input));
    },

    /** One event, or a `not_found` problem. */
    async get(tenant: string, id: string): Promise<EventRow> {
      return refuseUnlessFound(await db.get(tables.events.key(tenant, id)), id);
    },

    /**
     * A page of the events that match all of the filter, older than `before`. It costs as much as
     * the page; with several conditions it may be short, or empty, and still tell where to go on.
     */
    async list(
      tenant: string,
      filter: EventFilter,
      limit: number,
      before?: string,
    ): Promise<Page<EventRow>> {
      const span = spanOf(filter, before);
      if (isEmpty(span)) return { items: [], next: null };
      const wanted = factsOf(filter);
      const driver = await rarest(wanted.map((fact) => postings.of(tenant, fact, span)));
      if (!driver) return await pages.plain(tenant, span, limit);
      return await pages.scan(driver, limit, async (ids) => {
        const rows = await pages.rows(tenant, ids);
        return rows.filter((row) => new Set(factsOf(row)).isSupersetOf(new Set(wanted)));
      });
    },

    /** Changes what people may change. `by` is who acknowledges, where that is a part of it. */
    patch(
      tenant: string,
      id: string,
      patch: EventPatch,
      by: string,
      check: Check = () => {},
    ): Promise<EventRow> {
      return change(tenant, id, patch, by, check);
    },

    /** Notes who has seen to it, and when; what is acknowledged already stays as it is. */
    acknowledge(
      tenant: string,
      id: string,
      by: string,
      check: Check = () => {},
    ): Promise<EventRow> {
      return change(tenant, id, { acknowledged: true }, by, check);
    },

    /** Deletes an event, and its frame where a camera made it and no other event shows it. */
    remove,

    /** Whether an event shows this image. */
    holds,

    /** Deletes a tenant's events of before `before` (ms since 1970). Returns how many went. */
    async purge(tenant: string, before: number): Promise<number> {
      const span = spanOf({ to: before - 1 });
      const start = tables.events.key(tenant, span.from);
      const end = tables.events.key(tenant, span.before);
      let gone = 0;
      for await (const { value } of db.list<EventRow>({ start, end })) {
        await remove(tenant, value.id);
        gone++;
      }
      return gone;
    },

    /** How many events there are, and how many occurred on each of the last `days` days (UTC). */
    async stats(tenant: string, days: number): Promise<EventStats> {
      const counted = db.list<Deno.KvU64>(
        { prefix: tables.eventCounts.prefix(tenant) },
        { limit: MAX_COUNTERS, batchSize: 1_000 },
      );
      const counts = new Map<string, number>();
      for await (const { key, value } of counted) counts.set(String(key[2]), Number(value.value));
      return countsOf(counts, clock.now(), days);
    },
  };
}

export type Events = ReturnType<typeof createEvents>;

const unacknowledged = { acknowledged: false, acknowledged_by: null, acknowledged_at: null };

/** An event as its tenant sees it. */
export function viewOf({ tenant: _, version: __, ...event }: EventRow): Event {
  return event;
}

function momentOf(occurredAt: string, now: number): number {
  const ms = Date.parse(occurredAt);
  if (ms >= 0 && ms <= now + MAX_AHEAD_MS) return ms;
  throw refusal("occurred_at", ms < 0 ? "it is before 1970" : "it is in the future");
}

function unknown(what: "camera" | "image", id: string): Problem {
  return refusal(`${what}_id`, `there is no ${what} "${id}"`);
}

function refusal(path: string, message: string): Problem {
  return new Problem("invalid_content", `Cannot use the event: ${path}: ${message}`, {
    errors: [{ path, message }],
  });
}

function refuseUnlessFound(row: EventRow | null, id: string): EventRow {
  if (!row) throw new Problem("not_found", `Cannot find event "${id}"`);
  return row;
}

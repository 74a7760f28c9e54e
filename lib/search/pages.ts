import type { Database } from "../kv.ts";
import { type Posting, type Records, resume, take } from "./postings.ts";
import type { Span } from "./span.ts";

/** Records looked at for one page: a search whose filters seldom meet gives short pages. */
const MAX_SCAN = 500;
/** Records of each filter that are read to see which is the rarest. */
const SAMPLE = 64;
/** `getMany` takes no more. */
const MANY = 10;

/** A page, newest first; `next` is where to go on, null at the end. */
export type Page<T> = { items: T[]; next: string | null };

/** Pages of one kind of record, newest first. */
export function createPages<T extends { id: string }>(db: Database, records: Records<T>) {
  return {
    /** A page of all of them. */
    async plain(tenant: string, { from, before }: Span, limit: number): Promise<Page<T>> {
      const selector = { start: records.key(tenant, from), end: records.key(tenant, before) };
      const entries = db.list<T>(selector, { limit: limit + 1, reverse: true });
      const items = (await Array.fromAsync(entries)).map(({ value }) => value);
      return cut(items, limit);
    },

    /**
     * A page of those that `driver` names and `meant` lets through. Looks at a bounded number: the
     * page may be short, or empty, and still tell where to go on.
     */
    async scan(
      driver: Posting,
      limit: number,
      meant: (ids: string[]) => Promise<T[]>,
    ): Promise<Page<T>> {
      const items: T[] = [];
      let next: string | null = null;
      for (let scanned = 0; items.length <= limit; scanned += MANY) {
        if (scanned >= MAX_SCAN) return { items, next };
        const ids = await take(driver.ids, MANY);
        if (ids.length === 0) return { items, next: null };
        next = ids.at(-1)!;
        items.push(...await meant(ids));
      }
      return cut(items, limit);
    },

    /** Records by their ids, without those that are gone. */
    async rows(tenant: string, ids: string[]): Promise<T[]> {
      const keys = ids.map((id) => records.key(tenant, id));
      const rows: T[] = [];
      for (let at = 0; at < keys.length; at += MANY) {
        const entries = await db.getMany<T[]>(keys.slice(at, at + MANY));
        rows.push(...entries.flatMap(({ value }) => value ? [value] : []));
      }
      return rows;
    },
  };
}

/** The filter with the fewest records hereabouts; null when there is no filter. */
export async function rarest(drivers: Posting[]): Promise<Posting | null> {
  if (drivers.length < 2) return drivers[0] ?? null;
  const sampled = await Promise.all(
    drivers.map(async (driver) => ({ driver, ids: await take(driver.ids, SAMPLE) })),
  );
  // As many records reach the further back, the rarer they are.
  const oldest = (ids: string[]) => ids.at(-1) ?? "";
  const [first] = sampled.toSorted((a, b) =>
    a.ids.length - b.ids.length || (oldest(a.ids) < oldest(b.ids) ? -1 : 1)
  );
  return { ...first!.driver, ids: resume(first!.ids, first!.driver.ids) };
}

function cut<T extends { id: string }>(items: T[], limit: number): Page<T> {
  const page = items.slice(0, limit);
  return { items: page, next: items.length > limit ? page.at(-1)!.id : null };
}

import type { Database, Key } from "../kv.ts";
import type { Span } from "./span.ts";

/** Entries read at once: about a page. */
const BATCH = 32;

/** Where records of one kind stand, by their id. */
export type Records<T> = { key(tenant: string, id: string): Key<T> };
/** Which of them have a term. */
export type TermIndex = { key(tenant: string, term: string, id: string): Key<true> };

/** Ids of records, newest first. When they are not `exact`, each still has to be looked at. */
export type Posting = { term: string; exact: boolean; ids: AsyncIterator<string> };

/** Reads an index: per term, the ids of the records that have it. */
export function createPostings(db: Database, index: TermIndex) {
  return {
    /** Records that have a term. */
    of(tenant: string, term: string, span: Span, batchSize = BATCH): Posting {
      const selector = {
        start: index.key(tenant, term, span.from),
        end: index.key(tenant, term, span.before),
      };
      return { term, exact: true, ids: idsOf(db, selector, batchSize) };
    },
  };
}

/** The last parts of the keys between two, last key first. */
export async function* idsOf(
  db: Database,
  selector: Deno.KvListSelector,
  batchSize = BATCH,
): AsyncGenerator<string> {
  for await (const { key } of db.list(selector, { reverse: true, batchSize })) {
    yield String(key.at(-1));
  }
}

/** The next ids, fewer than `max` only at the end. */
export async function take(ids: AsyncIterator<string>, max: number): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < max) {
    const { done, value } = await ids.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

/** First what was taken already, then the rest. */
export async function* resume(taken: string[], rest: AsyncIterator<string>) {
  yield* taken;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

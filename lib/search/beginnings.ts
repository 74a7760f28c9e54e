import type { Database } from "../kv.ts";
import type { Terms } from "../model/image.ts";
import { tables } from "../tables.ts";
import { createPostings, idsOf, type Posting, take } from "./postings.ts";
import type { Span } from "./span.ts";

/** A beginning of words is common when so many of the newest images have it: any page finds some. */
const SAMPLE = 32;
const COMMON = 8;
/** One that so many terms share, or fewer, is answered by merging their lists. */
const MAX_LISTS = 64;
/** One that fewer entries share, by sorting these: many rare terms. A list reads no more at once. */
const MAX_ENTRIES = 1_000;
/** Sorts after all that may follow the beginning of a term. */
const HIGHEST = "\u{10ffff}";

/** Finds images that have a term with a given beginning. */
export function createBeginnings(db: Database) {
  const postings = createPostings(db, tables.imagesBy);

  const isCommon = async (tenant: string, beginning: string, { from, before }: Span) => {
    const selector = {
      start: tables.terms.key(tenant, from),
      end: tables.terms.key(tenant, before),
    };
    const sample = db.list<Terms>(selector, { limit: SAMPLE, reverse: true });
    let hits = 0;
    for await (const { value } of sample) if (hasBeginning(value, beginning)) hits++;
    return hits >= COMMON;
  };

  /** The first terms with this beginning, found by jumping from one to the next. */
  const termsUnder = async (tenant: string, beginning: string, max: number) => {
    const terms: string[] = [];
    const end = tables.imagesBy.prefix(tenant, beginning + HIGHEST);
    let start = tables.imagesBy.prefix(tenant, beginning);
    while (terms.length < max) {
      const { value } = await db.list({ start, end }, { limit: 1 }).next();
      if (!value) break;
      const term = String(value.key[2]);
      terms.push(term);
      // "\0" behind a term sorts after all of its entries.
      start = tables.imagesBy.prefix(tenant, `${term}\0`);
    }
    return terms;
  };

  /** All entries with this beginning within the span, sorted; null when there are too many. */
  const fewEntries = async (tenant: string, beginning: string, { from, before }: Span) => {
    const selector = {
      start: tables.imagesBy.prefix(tenant, beginning),
      end: tables.imagesBy.prefix(tenant, beginning + HIGHEST),
    };
    const ids: string[] = [];
    const entries = db.list(selector, { limit: MAX_ENTRIES, batchSize: MAX_ENTRIES });
    for await (const { key } of entries) ids.push(String(key[3]));
    if (ids.length === MAX_ENTRIES) return null;
    const within = ids.filter((id) => id >= from && id < before);
    return [...new Set(within)].toSorted().toReversed();
  };

  const all = (tenant: string, { from, before }: Span) =>
    idsOf(db, { start: tables.images.key(tenant, from), end: tables.images.key(tenant, before) });

  return {
    /**
     * Images that have a term with this beginning: exact for a few terms or a few entries; every
     * image where the beginning is common, or shared by more than can be merged.
     */
    async under(tenant: string, beginning: string, span: Span): Promise<Posting> {
      const everyImage = { term: beginning, exact: false, ids: all(tenant, span) };
      if (await isCommon(tenant, beginning, span)) return everyImage;
      const terms = await termsUnder(tenant, beginning, MAX_LISTS + 1);
      if (terms.length <= MAX_LISTS) {
        const batchSize = terms.length > 4 ? 8 : undefined;
        const lists = terms.map((term) => postings.of(tenant, term, span, batchSize).ids);
        return { term: beginning, exact: true, ids: merge(lists) };
      }
      const few = await fewEntries(tenant, beginning, span);
      return few ? { term: beginning, exact: true, ids: stream(few) } : everyImage;
    },
  };
}

/** Whether one of an image's terms begins so. */
export function hasBeginning({ row, text }: Terms, beginning: string): boolean {
  const begins = (term: string) => term.startsWith(beginning);
  return row.some(begins) || text.some(begins);
}

async function* stream(ids: string[]) {
  yield* ids;
}

/** One descending list of several, each id once. */
async function* merge(lists: AsyncIterator<string>[]): AsyncGenerator<string> {
  const pull = async (list: AsyncIterator<string>) => (await take(list, 1))[0] ?? "";
  const heads = await Promise.all(lists.map(pull));
  for (let last = "";;) {
    const newest = heads.reduce((best, id) => id > best ? id : best, "");
    if (newest === "") return;
    const at = heads.indexOf(newest);
    heads[at] = await pull(lists[at]!);
    if (newest !== last) yield newest;
    last = newest;
  }
}

import { isDeepStrictEqual } from "node:util";
import { Problem } from "./errors.ts";
import type { Database, Key, Transaction } from "./kv.ts";
import type { ImageFilter, ImageRow, TagCount, Terms } from "./model/image.ts";
import { createPostings, hasBeginning, type Posting, resume, take } from "./search/postings.ts";
import { type Span, spanOf } from "./search/span.ts";
import {
  factsOf,
  fold,
  has,
  MAX_TEXT_WORDS,
  nameTerm,
  tagTerm,
  termsOf,
  tokens,
  wordTerms,
} from "./search/terms.ts";
import { tables } from "./tables.ts";

/** Images looked at for one page: a search whose filters seldom meet gives short pages. */
const MAX_SCAN = 500;
/** Images of each filter that are read to see which is the rarest. */
const SAMPLE = 64;
/** `getMany` takes no more. */
const MANY = 10;
const MAX_WORDS = 10;
const MAX_TAGS = 1_000;
/** Different tags that are looked at to find the most used ones. */
const MAX_COUNTERS = 10_000;

/** A page, newest first; `next` is where to go on, null at the end. */
export type Found = { items: ImageRow[]; next: string | null };

type Query = { facts: string[]; words: string[]; beginning: string | null; name: string };
type Driver = Posting & { term: string };

/**
 * Finds images by what is known of them. One index, `imagesBy`, lists under each term (a status, a
 * tag, a word …) the images that have it; `terms` remembers which terms an image stands under, so
 * that a change writes the difference alone. Both are written in the transaction of their record.
 */
export function createSearch({ db }: { db: Database }) {
  const postings = createPostings(db);

  return {
    /** Writes within `tx` what finds the image now. `text` is what OCR read, where that is new. */
    async index(tx: Transaction, row: ImageRow, text?: string): Promise<void> {
      const key = tables.terms.key(row.tenant, row.id);
      const before = await tx.get(key) ?? { row: [], text: [] };
      const words = text === undefined ? before.text : wordTerms(text, MAX_TEXT_WORDS);
      const after: Terms = { row: termsOf(row), text: words };
      if (isDeepStrictEqual(before, after)) return;
      tx.set(key, after);
      await move(tx, row.tenant, row.id, before, after);
    },

    /** Removes within `tx` whatever finds the image. */
    async forget(tx: Transaction, tenant: string, id: string): Promise<void> {
      const key = tables.terms.key(tenant, id);
      const before = await tx.get(key) ?? { row: [], text: [] };
      tx.delete(key);
      await move(tx, tenant, id, before, { row: [], text: [] });
    },

    /**
     * A page of the images that have all that is asked for, older than `before`. Costs as much as
     * the page for no or one filter. Several start from the rarest, and look at a bounded number of
     * images: the page may be short, or empty, and still tell where to go on. `invalid_content` for
     * a text that has no or too many words.
     */
    async find(
      tenant: string,
      filter: ImageFilter,
      limit: number,
      before?: string,
    ): Promise<Found> {
      const query = queryOf(filter);
      const span = spanOf(filter, before);
      if (span.from >= span.before) return { items: [], next: null };
      const driver = await rarest(tenant, query, span);
      return driver
        ? await scan(tenant, query, driver, limit)
        : await plainPage(tenant, span, limit);
    },

    /** The most used tags (1,000 at most) and how many images have each. */
    async tags(tenant: string): Promise<TagCount[]> {
      const tags: TagCount[] = [];
      const counters = db.list<Deno.KvU64>(
        { prefix: tables.tagCounts.prefix(tenant) },
        { limit: MAX_COUNTERS, batchSize: 1_000 },
      );
      for await (const { key, value } of counters) {
        if (value.value > 0n) tags.push({ tag: String(key[2]), count: Number(value.value) });
      }
      return tags.toSorted((a, b) => b.count - a.count).slice(0, MAX_TAGS);
    },
  };

  /** Writes the difference between what an image stood under and what it stands under now. */
  async function move(tx: Transaction, tenant: string, id: string, before: Terms, after: Terms) {
    const old = new Set([...before.row, ...before.text]);
    const now = new Set([...after.row, ...after.text]);
    for (const term of now.difference(old)) {
      tx.set(tables.imagesBy.key(tenant, term, id), true);
      if (isTag(term)) tx.sum(counterOf(tenant, term), 1);
    }
    for (const term of old.difference(now)) {
      tx.delete(tables.imagesBy.key(tenant, term, id));
      if (isTag(term)) await countDown(tx, counterOf(tenant, term));
    }
  }

  /** A counter goes with its last image. Only then is it read under a check: busy tags never wait. */
  async function countDown(tx: Transaction, counter: Key<Deno.KvU64>) {
    const isLast = async (read: Promise<Deno.KvU64 | null>) => ((await read)?.value ?? 0n) <= 1n;
    if (await isLast(db.get(counter)) && await isLast(tx.get(counter))) tx.delete(counter);
    else tx.sum(counter, -1);
  }

  /** The filter with the fewest images hereabouts; null when there is no filter. */
  async function rarest(tenant: string, query: Query, span: Span): Promise<Driver | null> {
    const drivers: Driver[] = [...query.facts, ...query.words].map((term) => ({
      term,
      ...postings.of(tenant, term, span),
    }));
    if (query.beginning) {
      const term = query.beginning;
      drivers.push({ term, ...await postings.under(tenant, term, span) });
    }
    if (drivers.length < 2) return drivers[0] ?? null;
    const sampled = await Promise.all(
      drivers.map(async (driver) => ({ driver, ids: await take(driver.ids, SAMPLE) })),
    );
    // As many images reach the further back, the rarer they are.
    const oldest = (ids: string[]) => ids.at(-1) ?? "";
    const [first] = sampled.toSorted((a, b) =>
      a.ids.length - b.ids.length || (oldest(a.ids) < oldest(b.ids) ? -1 : 1)
    );
    return { ...first!.driver, ids: resume(first!.ids, first!.driver.ids) };
  }

  async function scan(tenant: string, query: Query, driver: Driver, limit: number): Promise<Found> {
    const isKnown = (term: string) => driver.exact && driver.term === term;
    const words = query.words.filter((term) => !isKnown(term));
    const beginning = query.beginning && !isKnown(query.beginning) ? query.beginning : null;
    const items: ImageRow[] = [];
    let next: string | null = null;
    for (let scanned = 0; items.length <= limit; scanned += MANY) {
      if (scanned >= MAX_SCAN) return { items, next };
      const ids = await take(driver.ids, MANY);
      if (ids.length === 0) return { items, next: null };
      next = ids.at(-1)!;
      const hits = words.length || beginning ? await withWords(tenant, ids, words, beginning) : ids;
      items.push(...(await rowsOf(tenant, hits)).filter((row) => isMeant(row, query)));
    }
    return cut(items, limit);
  }

  async function plainPage(tenant: string, { from, before }: Span, limit: number): Promise<Found> {
    const selector = {
      start: tables.images.key(tenant, from),
      end: tables.images.key(tenant, before),
    };
    const entries = db.list<ImageRow>(selector, { limit: limit + 1, reverse: true });
    const items = (await Array.fromAsync(entries)).map(({ value }) => value);
    return cut(items, limit);
  }

  async function withWords(
    tenant: string,
    ids: string[],
    words: string[],
    beginning: string | null,
  ) {
    const known = await db.getMany<Terms[]>(ids.map((id) => tables.terms.key(tenant, id)));
    return ids.filter((_, at) => {
      const terms = known[at]?.value;
      return terms && (!beginning || hasBeginning(terms, beginning)) &&
        words.every((word) => terms.row.includes(word) || terms.text.includes(word));
    });
  }

  async function rowsOf(tenant: string, ids: string[]): Promise<ImageRow[]> {
    if (ids.length === 0) return [];
    const entries = await db.getMany<ImageRow[]>(
      ids.map((id) => tables.images.key(tenant, id)),
    );
    return entries.flatMap(({ value }) => value ? [value] : []);
  }
}

export type Search = ReturnType<typeof createSearch>;

function queryOf(filter: ImageFilter): Query {
  const { status, tag, has_gps, has_text, camera, camera_id } = filter;
  const name = fold(filter.original_name ?? "");
  const words = filter.text === undefined ? [] : someWords("text", filter.text);
  const beginning = words.pop();
  return {
    facts: [
      ...(camera_id ? [`camera_id:${camera_id}`] : []),
      ...(tag ? [tagTerm(tag)] : []),
      ...(name ? [nameTerm(name)] : []),
      ...(camera === undefined ? [] : someWords("camera", camera).map((word) => `camera:${word}`)),
      ...(status ? [`status:${status}`] : []),
      ...(has_gps === undefined ? [] : [has("gps", has_gps)]),
      ...(has_text === undefined ? [] : [has("text", has_text)]),
    ],
    words: words.map((word) => `word:${word}`),
    beginning: beginning === undefined ? null : `word:${beginning}`,
    name,
  };
}

function someWords(field: string, text: string): string[] {
  const words = tokens(text);
  if (words.length > 0 && words.length <= MAX_WORDS) return words;
  const wrong = words.length ? `it has more than ${MAX_WORDS} words` : "it has no word";
  throw new Problem("invalid_content", `Cannot search: ${field}: ${wrong}`, {
    errors: [{ path: field, message: wrong }],
  });
}

/** Looks at the record itself: the index may be a moment ahead of it, or behind. */
function isMeant(row: ImageRow, query: Query): boolean {
  const facts = new Set(factsOf(row));
  return query.facts.every((fact) => facts.has(fact)) &&
    fold(row.original_name).startsWith(query.name);
}

function cut(items: ImageRow[], limit: number): Found {
  const page = items.slice(0, limit);
  return { items: page, next: items.length > limit ? page.at(-1)!.id : null };
}

function isTag(term: string): boolean {
  return term.startsWith("tag:");
}

function counterOf(tenant: string, term: string): Key<Deno.KvU64> {
  return tables.tagCounts.key(tenant, term.slice("tag:".length));
}

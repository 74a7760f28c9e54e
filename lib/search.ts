import { isDeepStrictEqual } from "node:util";
import { Problem } from "./errors.ts";
import type { Database, Key, Transaction } from "./kv.ts";
import type { ImageFilter, ImageRow, TagCount, Terms } from "./model/image.ts";
import { createBeginnings, hasBeginning } from "./search/beginnings.ts";
import { createPages, type Page, rarest } from "./search/pages.ts";
import { distance, MAX_DISTANCE, termsOfHash } from "./search/alike.ts";
import { createPostings, type Posting, take } from "./search/postings.ts";
import { isEmpty, type Span, spanOf } from "./search/span.ts";
import { createTermIndex } from "./search/term_index.ts";
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

const MAX_WORDS = 10;
const MAX_TAGS = 1_000;
/** Different tags that are looked at to find the most used ones. */
const MAX_COUNTERS = 10_000;

/** Images that are compared with another, of each part of its hash, and that are told. */
const MAX_COMPARED = 50;
const MAX_ALIKE = 20;
const ALWAYS = spanOf({});

/** An image, and in how many bits of 64 its perceptual hash differs from the other's. */
export type Alike = { row: ImageRow; distance: number };

type Query = { facts: string[]; words: string[]; beginning: string | null; name: string };

/**
 * Finds images by what is known of them. One index, `imagesBy`, lists under each term (a status, a
 * tag, a word …) the images that have it; `terms` remembers which terms an image stands under, so
 * that a change writes the difference alone. Both are written in the transaction of their record.
 */
export function createSearch({ db }: { db: Database }) {
  const postings = createPostings(db, tables.imagesBy);
  const beginnings = createBeginnings(db);
  const pages = createPages<ImageRow>(db, tables.images);
  const { move } = createTermIndex(db, tables.imagesBy, counterOf);

  return {
    /** Writes within `tx` what finds the image now. `text` is what OCR read, where that is new. */
    async index(tx: Transaction, row: ImageRow, text?: string): Promise<void> {
      const key = tables.terms.key(row.tenant, row.id);
      const before = await tx.get(key) ?? { row: [], text: [] };
      const words = text === undefined ? before.text : wordTerms(text, MAX_TEXT_WORDS);
      const after: Terms = { row: termsOf(row), text: words };
      if (isDeepStrictEqual(before, after)) return;
      tx.set(key, after);
      await move(tx, row.tenant, row.id, allOf(before), allOf(after));
    },

    /** Removes within `tx` whatever finds the image. */
    async forget(tx: Transaction, tenant: string, id: string): Promise<void> {
      const key = tables.terms.key(tenant, id);
      const before = await tx.get(key) ?? { row: [], text: [] };
      tx.delete(key);
      await move(tx, tenant, id, allOf(before), []);
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
    ): Promise<Page<ImageRow>> {
      const query = queryOf(filter);
      const span = spanOf(filter, before);
      if (isEmpty(span)) return { items: [], next: null };
      const driver = await rarest(await driversOf(tenant, query, span));
      if (!driver) return await pages.plain(tenant, span, limit);
      return await pages.scan(driver, limit, (ids) => meant(tenant, query, driver, ids));
    },

    /**
     * Images that look like this one, the most alike first, 20 at most. Of those that share a part of
     * its perceptual hash the newest ones are compared: camera pictures of one scene are many.
     */
    async alike({ tenant, id, dhash }: ImageRow): Promise<Alike[]> {
      if (!dhash) return [];
      const lists = await Promise.all(
        termsOfHash(dhash).map((term) => take(postings.of(tenant, term, ALWAYS).ids, MAX_COMPARED)),
      );
      const rows = await pages.rows(tenant, [...new Set(lists.flat())].filter((it) => it !== id));
      return rows
        .flatMap((row) => row.dhash ? [{ row, distance: distance(row.dhash, dhash) }] : [])
        .filter(({ distance }) => distance <= MAX_DISTANCE)
        .toSorted((a, b) => a.distance - b.distance || (a.row.id < b.row.id ? 1 : -1))
        .slice(0, MAX_ALIKE);
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

  async function driversOf(tenant: string, query: Query, span: Span): Promise<Posting[]> {
    const terms = [...query.facts, ...query.words];
    const drivers = terms.map((term) => postings.of(tenant, term, span));
    if (query.beginning) drivers.push(await beginnings.under(tenant, query.beginning, span));
    return drivers;
  }

  /** Those among `ids`, which are the driver's, that have all that is asked for. */
  async function meant(tenant: string, query: Query, driver: Posting, ids: string[]) {
    const isKnown = (term: string) => driver.exact && driver.term === term;
    const words = query.words.filter((term) => !isKnown(term));
    const beginning = query.beginning && !isKnown(query.beginning) ? query.beginning : null;
    const hits = words.length || beginning ? await withWords(tenant, ids, words, beginning) : ids;
    return (await pages.rows(tenant, hits)).filter((row) => isMeant(row, query));
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

function allOf({ row, text }: Terms): string[] {
  return [...row, ...text];
}

/** Tags are counted; nothing else is. */
function counterOf(tenant: string, term: string): Key<Deno.KvU64> | null {
  return term.startsWith("tag:") ? tables.tagCounts.key(tenant, term.slice("tag:".length)) : null;
}

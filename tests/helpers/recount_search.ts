import type { Database } from "../../lib/kv.ts";
import type { ImageRow, Terms } from "../../lib/model/image.ts";
import { MAX_TEXT_WORDS, termsOf, wordTerms } from "../../lib/search/terms.ts";
import { tables } from "../../lib/tables.ts";

/**
 * Compares all that finds images with their records, both ways, and recounts the tags. Gives what
 * does not add up, in words: empty is good.
 */
export async function recountSearch(db: Database): Promise<string[]> {
  const texts = await textsOf(db);
  const expected = new Map<string, number>();
  const remembered = new Map<string, string>();
  for await (const { value: row } of db.list<ImageRow>({ prefix: tables.images.prefix() })) {
    const words = wordTerms(texts.get(row.id) ?? "", MAX_TEXT_WORDS);
    const terms = new Set([...termsOf(row), ...words]);
    remembered.set(row.id, [...terms].toSorted().join());
    for (const term of terms) {
      expected.set(nameOf(tables.imagesBy.key(row.tenant, term, row.id)), 1);
      if (!term.startsWith("tag:")) continue;
      const counter = nameOf(tables.tagCounts.key(row.tenant, term.slice(4)));
      expected.set(counter, (expected.get(counter) ?? 0) + 1);
    }
  }
  const found = new Map<string, number>();
  for await (const { key } of db.list({ prefix: tables.imagesBy.prefix() })) {
    found.set(nameOf(key), 1);
  }
  for await (const { key, value } of db.list<Deno.KvU64>({ prefix: tables.tagCounts.prefix() })) {
    if (value.value > 0n) found.set(nameOf(key), Number(value.value));
  }
  for await (const { key, value } of db.list<Terms>({ prefix: tables.terms.prefix() })) {
    const terms = [...new Set([...value.row, ...value.text])].toSorted().join();
    if (remembered.get(String(key[2])) !== terms) found.set(`${nameOf(key)} is out of date`, 1);
    remembered.delete(String(key[2]));
  }
  return [
    ...[...remembered.keys()].map((id) => `${id} has no terms`),
    ...differences(expected, found),
  ];
}

async function textsOf(db: Database): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for await (const { key, value } of db.list<string>({ prefix: tables.texts.prefix() })) {
    const id = String(key[2]);
    texts.set(id, (texts.get(id) ?? "") + value);
  }
  return texts;
}

export function differences(expected: Map<string, number>, found: Map<string, number>): string[] {
  return [...new Set([...expected.keys(), ...found.keys()])]
    .filter((name) => expected.get(name) !== found.get(name))
    .map((name) => `${name}: ${found.get(name) ?? 0}, expected ${expected.get(name) ?? 0}`);
}

export function nameOf(key: Deno.KvKey): string {
  return JSON.stringify(key);
}

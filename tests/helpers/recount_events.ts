import { factsOf, isCounted } from "../../lib/event_terms.ts";
import type { Database } from "../../lib/kv.ts";
import type { EventRow } from "../../lib/model/event.ts";
import { tables } from "../../lib/tables.ts";
import { differences, nameOf } from "./recount_search.ts";

/**
 * Compares what finds and counts events with their records, both ways. Gives what does not add up,
 * in words: empty is good.
 */
export async function recountEvents(db: Database): Promise<string[]> {
  const expected = new Map<string, number>();
  for await (const { value: row } of db.list<EventRow>({ prefix: tables.events.prefix() })) {
    for (const term of factsOf(row)) {
      expected.set(nameOf(tables.eventsBy.key(row.tenant, term, row.id)), 1);
      const counter = nameOf(tables.eventCounts.key(row.tenant, term));
      if (isCounted(term)) expected.set(counter, (expected.get(counter) ?? 0) + 1);
    }
  }
  const found = new Map<string, number>();
  for await (const { key } of db.list({ prefix: tables.eventsBy.prefix() })) {
    found.set(nameOf(key), 1);
  }
  for await (const { key, value } of db.list<Deno.KvU64>({ prefix: tables.eventCounts.prefix() })) {
    if (value.value > 0n) found.set(nameOf(key), Number(value.value));
  }
  return differences(expected, found);
}

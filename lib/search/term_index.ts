import type { Database, Key, Transaction } from "../kv.ts";
import type { TermIndex } from "./postings.ts";

/**
 * Keeps an index of records by their terms. `counterOf` tells where the records of a term are
 * counted, or null for a term that is not.
 */
export function createTermIndex(
  db: Database,
  index: TermIndex,
  counterOf: (tenant: string, term: string) => Key<Deno.KvU64> | null,
) {
  /** A counter goes with its last record. Only then is it read under a check: busy ones never wait. */
  const countDown = async (tx: Transaction, counter: Key<Deno.KvU64>) => {
    const isLast = async (read: Promise<Deno.KvU64 | null>) => ((await read)?.value ?? 0n) <= 1n;
    if (await isLast(db.get(counter)) && await isLast(tx.get(counter))) tx.delete(counter);
    else tx.sum(counter, -1);
  };

  return {
    /** Writes within `tx` the difference between what a record stood under and stands under now. */
    async move(
      tx: Transaction,
      tenant: string,
      id: string,
      before: Iterable<string>,
      after: Iterable<string>,
    ): Promise<void> {
      const old = new Set(before);
      const now = new Set(after);
      for (const term of now.difference(old)) {
        tx.set(index.key(tenant, term, id), true);
        const counter = counterOf(tenant, term);
        if (counter) tx.sum(counter, 1);
      }
      for (const term of old.difference(now)) {
        tx.delete(index.key(tenant, term, id));
        const counter = counterOf(tenant, term);
        if (counter) await countDown(tx, counter);
      }
    },
  };
}

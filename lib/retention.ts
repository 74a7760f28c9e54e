import { batches, type Database, keysIn, type Table, type Transaction } from "./kv.ts";
import type { RetentionTerm } from "./model/retention.ts";
import { firstIdAt } from "./search/span.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Records that one transaction looks at; Deno KV checks 100 keys in one, and more may be counted along. */
const BATCH = 30;

/** Something of each tenant that is kept for a while only. */
export type Retention = {
  what: RetentionTerm["what"];
  keepMs: number;
  /** Deletes what the tenant has from before `before` (ms since 1970); gives how many. */
  purge(tenant: string, before: number): Promise<number>;
};

/** The same in words, for people. */
export function termOf({ what, keepMs }: Retention): RetentionTerm {
  return { what, keep_days: keepMs / DAY_MS };
}

type AgedTable<T> = Pick<Table<T, readonly string[]>, "shape" | "prefix">;

type Options<T> = {
  /** Where the key alone does not tell the age: whether this one is due. */
  isDue?: (value: T) => boolean;
  /** Changes what counts or points to the record, in the transaction that deletes it. */
  along?: (tx: Transaction, value: T, key: Deno.KvKey) => void | Promise<void>;
};

/**
 * Deletes the tenant's records of a table whose next key part is a UUIDv7 from before `before` (ms
 * since 1970): a range of keys, so it costs what it deletes, and can be interrupted anywhere. Gives
 * how many went.
 */
export function purgeOlder<T>(
  db: Database,
  table: AgedTable<T>,
  tenant: string,
  before: number,
  options: Options<T> = {},
): Promise<number> {
  return purgeUntil(db, table, tenant, firstIdAt(before), options);
}

/** Like `purgeOlder`, for keys that go on with another thing that sorts by time, such as a day. */
export async function purgeUntil<T>(
  db: Database,
  table: AgedTable<T>,
  tenant: string,
  until: string,
  { isDue = () => true, along = () => {} }: Options<T> = {},
): Promise<number> {
  const purge = (keys: Deno.KvKey[]) =>
    db.transact(async (tx) => {
      let purged = 0;
      for (const key of keys) {
        const value = await tx.get<T>(key);
        if (value === null || !isDue(value)) continue;
        tx.delete(key);
        await along(tx, value, key);
        purged++;
      }
      return purged;
    });
  const range = { start: table.prefix(tenant), end: table.prefix(tenant, until) };
  let purged = 0;
  for await (const keys of batches(keysIn(db, range), BATCH)) purged += await purge(keys);
  return purged;
}

import { getLogger } from "@logtape/logtape";
import { ConfigError } from "./config.ts";
import type { Database, Transaction } from "./kv.ts";
import type { Schema } from "./model/schema.ts";
import { tables } from "./tables.ts";

const log = getLogger(["imago", "schema"]);

/**
 * How records of the version before become those of `version`, batch by batch. Each batch is one
 * transaction together with where the next one goes on, so a crash neither skips nor repeats one.
 */
export type Migration = {
  /** The version that the records have afterwards. */
  version: number;
  /** What it does, for the log. */
  name: string;
  /**
   * Changes some records within `tx` (some hundreds: a transaction takes 1,000 writes) and returns
   * where the next batch begins; null when this was the last. `from` is "" for the first.
   */
  batch(tx: Transaction, db: Database, from: string): Promise<string | null>;
};

/** What the records looked like before they had a version. */
const FIRST = 1;

/** Every change of stored records since the first release, in order; none is ever taken away. */
export const MIGRATIONS: readonly Migration[] = [];

/**
 * Brings the database to the version that this program knows, going on where a crash interrupted
 * it. Several processes may do so at once. Throws a `ConfigError` for a database of a newer Imago.
 */
export async function migrate(
  db: Database,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  const known = migrations.at(-1)?.version ?? FIRST;
  const { version } = await db.get(tables.schema.key()) ?? await begin(db, known);
  if (version > known) throw new ConfigError(tooNew(version, known));
  for (const migration of migrations) {
    if (migration.version > version) await run(db, migration);
  }
}

/** Notes the version of a database that has none: a new one is up to date. */
function begin(db: Database, known: number): Promise<Schema> {
  return db.transact(async (tx) => {
    const noted = await tx.get(tables.schema.key());
    const used = await tx.get(tables.firstTenant.key());
    const schema = noted ?? { version: used ? FIRST : known, from: "" };
    tx.set(tables.schema.key(), schema);
    return schema;
  });
}

async function run(db: Database, { version, name, batch }: Migration): Promise<void> {
  log.info("Migrating the database to version {version}: {name}", { version, name });
  const step = () =>
    db.transact(async (tx) => {
      const schema = await tx.get(tables.schema.key());
      // Another process may have ended it meanwhile.
      if (!schema || schema.version >= version) return false;
      const from = await batch(tx, db, schema.from);
      const done = from === null;
      tx.set(tables.schema.key(), done ? { version, from: "" } : { ...schema, from });
      return !done;
    });
  while (await step());
}

function tooNew(version: number, known: number): string {
  return `Cannot start: the database was written by a newer Imago (its data has version ${version}, ` +
    `this program knows ${known}). Start the newer program, or restore the backup from before the upgrade`;
}

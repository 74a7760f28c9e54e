import { backup, DatabaseSync } from "node:sqlite";
import { ConfigError } from "./config.ts";

/** A larger database is only checked after an end that was none, so that starts stay short. */
const QUICK_BYTES = 256 * 1_048_576;

/**
 * Looks through the file of a Deno KV, which is an SQLite database, for damage. Throws a
 * `ConfigError` that says what to do. A file that is not there is as good as whole.
 */
export async function refuseDamage(path: string, wasOpen: boolean): Promise<void> {
  const size = await sizeOf(path);
  if (size === null || (size > QUICK_BYTES && !wasOpen)) return;
  const damage = damageOf(path);
  if (damage) {
    throw new ConfigError(
      `Cannot start with ${path}: the database is damaged (${damage}). Restore a backup ` +
        "(docs/operations.md tells how)",
    );
  }
}

/** What is wrong with a database file, in a line; null when it is whole. */
export function damageOf(path: string): string | null {
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      const row = database.prepare("PRAGMA quick_check(1)").get();
      const found = String(row?.quick_check ?? "no answer");
      return found === "ok" ? null : found.split("\n")[0] ?? found;
    } finally {
      database.close();
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Copies the database as it is at one moment, also while another process writes to it, whom it
 * neither blocks nor changes.
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const source = new DatabaseSync(from, { readOnly: true });
  try {
    // All pages at one go: between two batches a writer would make it begin again.
    await backup(source, to, { rate: 2 ** 31 - 1 });
  } finally {
    source.close();
  }
}

/**
 * Writes the database anew in its place, without what was deleted. Nobody else may have it open.
 * Deno lets SQLite do that only with all permissions.
 */
export function compactDatabase(path: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec("VACUUM");
    // The log holds what the file held before.
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
}

/** In bytes; null where there is no such file. */
export async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await Deno.stat(path)).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

import { ConfigError } from "./config.ts";

/** Another process holds the data folder. */
export class AlreadyRunning extends Error {
  override readonly name = "AlreadyRunning";
}

export type DataFolder = Awaited<ReturnType<typeof takeFolder>>;

/**
 * Takes a data folder for this process alone; the lock goes with the process, however it ends.
 * Inside the lock file stands whether the database is open, so that the next start knows whether
 * it was closed. Throws `AlreadyRunning`.
 */
export async function takeFolder(folder: string) {
  await Deno.mkdir(folder, { recursive: true });
  const file = await Deno.open(`${folder}/lock`, { read: true, write: true, create: true });
  if (!await file.tryLock(true)) {
    file.close();
    throw new AlreadyRunning(
      `Another Imago already runs on ${folder}: stop it, or give this one its own DATA_DIR`,
    );
  }
  const wasOpen = (await file.stat()).size > 0;
  return {
    /** The process before this one did not get to close the database. */
    wasOpen,
    async noteOpen() {
      await file.seek(0, Deno.SeekMode.Start);
      await file.write(new TextEncoder().encode("open\n"));
    },
    /** Call it before the database is closed: killed in between, it is closed well enough. */
    async noteClosed() {
      await file.truncate(0);
    },
    release: () => file.close(),
  };
}

/**
 * Refuses to start on what would silently be another database than before: an empty one in place of
 * one that is gone, or one whose latest changes are gone. Throws a `ConfigError`.
 */
export async function refuseLoss(folder: string, database: string, wasOpen: boolean) {
  const [hasDatabase, hasLog, wasUsed, isRestored] = await Promise.all(
    [database, `${database}-wal`, `${folder}/secrets.json`, `${folder}/restoring`].map(exists),
  );
  const begin = `Cannot start on ${folder}:`;
  if (isRestored) {
    throw new ConfigError(`${begin} a restore into it was interrupted, empty it and restore again`);
  }
  if (!hasDatabase && wasUsed) {
    throw new ConfigError(
      `${begin} it was used before, but ${database} is gone. Restore a backup, or remove ` +
        `${folder}/secrets.json to begin anew`,
    );
  }
  if (hasDatabase && wasOpen && !hasLog) {
    throw new ConfigError(
      `${begin} Imago was not stopped properly, and ${database}-wal with the latest changes is ` +
        `gone. Put it back or restore a backup; to go on without them, remove ${folder}/lock`,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

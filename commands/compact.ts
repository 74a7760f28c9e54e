import { ConfigError, isRemote } from "../lib/config.ts";
import { takeFolder } from "../lib/data_folder.ts";
import { compactDatabase, sizeOf } from "../lib/kv_file.ts";
import { run, say } from "./command.ts";

/** `deno task compact`: makes what was deleted unreadable in the database files, and frees its room. */
await run(async (config) => {
  if (isRemote(config)) {
    throw new ConfigError("Cannot compact a remote KV: whoever runs it does that");
  }
  const { DATA_DIR, DATABASE_URL } = config;
  const folder = await takeFolder(DATA_DIR);
  try {
    if (folder.wasOpen) {
      throw new ConfigError(
        "Cannot compact: Imago was not stopped properly, start and stop it first",
      );
    }
    for (const path of [DATABASE_URL || `${DATA_DIR}/imago.kv`, `${DATA_DIR}/storage.kv`]) {
      await compact(path);
    }
  } finally {
    folder.release();
  }
});

async function compact(path: string) {
  const before = await sizeOf(path);
  if (before === null) return;
  compactDatabase(path);
  say(`Compacted ${path}: ${before} bytes before, ${await sizeOf(path)} now`);
}

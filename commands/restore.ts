import { restore } from "../lib/backup/restore.ts";
import { run, say, sayAll, UsageError } from "./command.ts";

/** `deno task restore <folder>`: see lib/backup/restore.ts. */
await run(async (config, [folder]) => {
  if (!folder) throw new UsageError("usage: deno task restore <folder of a backup>");
  const { images, objects, created_at, missing } = await restore(config, folder);
  say(`Restored ${images} images (${objects} objects) of ${created_at} into ${config.DATA_DIR}`);
  sayAll("were not in the backup", missing);
});

import { parseArgs } from "node:util";
import type { Config } from "../lib/config.ts";
import { takeFolder } from "../lib/data_folder.ts";
import { openStorage } from "../lib/foundations.ts";
import { createDatabase } from "../lib/kv.ts";
import { moveObjects, type MoveReport } from "../lib/storage/move.ts";
import { run, say, sayAll, UsageError } from "./command.ts";

const USAGE =
  "usage: deno task migrate-storage --from local|s3|kv --to local|s3|kv [--tenant ID] [--delete]";
const EVERY = 1_000;

/**
 * Copies all objects from one storage backend to another while Imago is stopped; see
 * lib/storage/move.ts. Afterwards set STORAGE_BACKEND and start it again.
 */
await run(async (config, args) => {
  const { from, to, tenant, deleteAfter } = read(args);
  const folder = await takeFolder(config.DATA_DIR);
  const db = createDatabase(
    await Deno.openKv(config.DATABASE_URL || `${config.DATA_DIR}/imago.kv`),
  );
  try {
    const report = await moveObjects({
      db,
      from: await openStorage(config, from),
      to: await openStorage(config, to),
      tenant,
      deleteAfter,
      onProgress: ({ copied, skipped }) => {
        if ((copied + skipped) % EVERY === 0) say(`${copied + skipped} objects …`);
      },
    });
    tell(report, from, to);
  } finally {
    db.close();
    folder.release();
  }
});

function tell(
  { copied, bytes, skipped, deleted, missing, damaged }: MoveReport,
  from: string,
  to: string,
) {
  say(`Copied ${copied} objects (${bytes} bytes) from ${from} to ${to}; ${skipped} were there`);
  if (deleted) say(`Deleted ${deleted} objects from ${from}`);
  sayAll(`are not in ${from}`, missing);
  sayAll("have other bytes than their records say, and were not copied", damaged);
  if (missing.length || damaged.length) Deno.exitCode = 1;
  else say(`Set STORAGE_BACKEND=${to} and start Imago`);
}

function read(args: string[]) {
  const options = {
    from: { type: "string" },
    to: { type: "string" },
    tenant: { type: "string" },
    delete: { type: "boolean", default: false },
  } as const;
  try {
    const { values } = parseArgs({ args, options });
    const [from, to] = [backend(values.from), backend(values.to)];
    if (from === to) throw new UsageError(USAGE);
    return { from, to, tenant: values.tenant, deleteAfter: values.delete };
  } catch (cause) {
    throw new UsageError(USAGE, { cause });
  }
}

function backend(name: string | undefined): Config["STORAGE_BACKEND"] {
  if (name === "local" || name === "s3" || name === "kv") return name;
  throw new UsageError(USAGE);
}

import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { readForeignUsers } from "../lib/auth/import_users.ts";
import { Problem } from "../lib/errors.ts";
import type { Services } from "../lib/services.ts";
import { run, say, UsageError } from "./command.ts";
import { withTenant } from "./services.ts";

const USAGE = "usage: deno task import-users [--tenant ID] <SQLite file>";

/**
 * Takes over the users of another system, while Imago is stopped: their names, roles and bcrypt
 * hashes, so that they sign in as before. Who is there already is left alone: run it again.
 */
await run(async (config, args) => {
  const { path, wanted } = read(args);
  await withTenant(config, wanted, (services, tenant) => importInto(services, tenant, path));
});

async function importInto({ users }: Services, tenant: string, path: string) {
  const found = readForeignUsers(path);
  const refused = found.unusable.map(({ username, reason }) => `${username}: ${reason}`);
  let imported = 0;
  for (const user of found.users) {
    try {
      await users.adopt(tenant, user);
      imported++;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      refused.push(`${user.username}: ${error.detail}`);
    }
  }
  say(`Imported ${imported} users into ${tenant}`);
  for (const line of refused) say(`warning: not imported: ${line}`);
}

function read(args: string[]): { path: string; wanted: string | undefined } {
  const { values, positionals } = parse(args);
  const [path] = positionals;
  if (!path) throw new UsageError(USAGE);
  if (!existsSync(path)) throw new UsageError(`Cannot find ${path}`);
  return { path, wanted: values.tenant };
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, allowPositionals: true, options: { tenant: { type: "string" } } });
  } catch (cause) {
    throw new UsageError(USAGE, { cause });
  }
}

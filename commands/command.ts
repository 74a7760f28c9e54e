import { BackupError } from "../lib/backup/manifest.ts";
import { type Config, ConfigError, readConfig } from "../lib/config.ts";
import { AlreadyRunning } from "../lib/data_folder.ts";

/** What a command was called with is not what it takes. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Runs a command of the operator; what they can mend is told in a sentence, with exit status 1. */
export async function run(command: (config: Config, args: string[]) => Promise<void>) {
  try {
    await command(readConfig(), Deno.args);
  } catch (error) {
    const expected = [BackupError, ConfigError, AlreadyRunning, UsageError];
    if (!(error instanceof Error) || !expected.some((kind) => error instanceof kind)) throw error;
    say(error.message);
    Deno.exit(1);
  }
}

/** Tells the person at the terminal. */
export function say(line: string) {
  // deno-lint-ignore no-console -- it speaks to a person
  console.error(line);
}

/** Tells about objects in trouble: the first of them, and how many more. */
export function sayAll(what: string, keys: string[]) {
  if (keys.length === 0) return;
  say(`warning: ${keys.length} objects ${what}:`);
  keys.slice(0, 20).forEach((key) => say(`  ${key}`));
  if (keys.length > 20) say(`  and ${keys.length - 20} more`);
}

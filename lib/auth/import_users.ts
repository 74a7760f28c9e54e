import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { Scope } from "../model/tenant.ts";
import { Username } from "../model/user.ts";
import { isPasswordHash } from "./passwords.ts";

/** A user of another system, with what this one gives for the role there. */
export type ForeignUser = {
  username: string;
  password_hash: string;
  scopes: Scope[];
  active: boolean;
};
/** Who cannot be taken over, and why. */
export type Unusable = { username: string; reason: string };

/** What columns are called elsewhere; the first that is there is read. */
const COLUMNS = {
  username: ["username", "user_name", "login", "name", "email"],
  hash: ["password_hash", "hashed_password", "passwordhash", "password"],
  role: ["role", "user_role", "is_admin", "is_superuser"],
  active: ["is_active", "active", "enabled"],
};
const ADMINS = /^(admin(istrator)?|superuser|owner|root|1|true)$/i;
const GUARDS = /^(operator|manager|security|agent|editor|user)$/i;
const READ: Scope[] = ["images:read", "cameras:read", "events:read"];
const Cell = z.union([z.string(), z.number(), z.bigint(), z.null(), z.instanceof(Uint8Array)]);
type Row = Record<string, z.infer<typeof Cell>>;

/**
 * Reads the users of another system's SQLite file, which is not changed: a table `users` (or `user`)
 * with a name and a bcrypt hash each, and if there are such columns, a role and whether it is active.
 * Throws an `Error` with a sentence when the file has no such table.
 */
export function readForeignUsers(path: string): { users: ForeignUser[]; unusable: Unusable[] } {
  const users: ForeignUser[] = [];
  const unusable: Unusable[] = [];
  for (const row of readTable(path)) {
    const user = convert(row);
    if ("reason" in user) unusable.push(user);
    else users.push(user);
  }
  return { users, unusable };
}

function readTable(path: string): Row[] {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const found = db.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND lower(name) IN ('users', 'user')",
    ).get();
    if (!found) throw new Error(`Cannot find a table of users in ${path}`);
    const name = String(found.name).replaceAll('"', '""');
    return db.prepare(`SELECT * FROM "${name}"`).all().map((row) =>
      z.record(z.string(), Cell).parse(row)
    );
  } finally {
    db.close();
  }
}

function convert(row: Row): ForeignUser | Unusable {
  const name = Username.safeParse(cell(row, COLUMNS.username) ?? "");
  const username = name.success ? name.data : (cell(row, COLUMNS.username) ?? "?");
  if (!name.success) return { username, reason: `the name ${name.error.issues[0]?.message}` };
  const password_hash = cell(row, COLUMNS.hash) ?? "";
  if (!isPasswordHash(password_hash)) return { username, reason: "its hash is not bcrypt" };
  const active = !/^(0|false|no)$/i.test(cell(row, COLUMNS.active) ?? "1");
  return { username, password_hash, scopes: scopesOf(cell(row, COLUMNS.role) ?? ""), active };
}

/** An unknown role may look, and nothing else. */
function scopesOf(role: string): Scope[] {
  if (ADMINS.test(role)) return ["admin"];
  return GUARDS.test(role) ? [...READ, "cameras:write", "events:write"] : READ;
}

function cell(row: Row, names: string[]): string | null {
  const byName = new Map(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value]));
  const name = names.find((name) => byName.has(name));
  const value = name === undefined ? null : byName.get(name) ?? null;
  if (value === null) return null;
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value);
}

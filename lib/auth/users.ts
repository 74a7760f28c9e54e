import type { Audit } from "../audit.ts";
import { type Clock, timestamp } from "../clock.ts";
import { Problem } from "../errors.ts";
import { type Database, newestFirst, type Transaction } from "../kv.ts";
import type { Locks } from "../locks.ts";
import type { Scope, TenantPrincipal } from "../model/tenant.ts";
import type { NewUser, PasswordChange, User, UserPatch } from "../model/user.ts";
import { tables } from "../tables.ts";
import type { Passwords } from "./passwords.ts";
import type { Principals } from "./principals.ts";
import { covers } from "./scopes.ts";
import type { Sessions } from "./sessions.ts";
import { nameKey } from "./user_names.ts";

/** Each may ask as much as a key: their number bounds what a tenant can ask for. */
const MAX_USERS = 1_000;

type Deps = {
  db: Database;
  clock: Clock;
  newId: () => string;
  locks: Locks;
  passwords: Passwords;
  sessions: Sessions;
  principals: Principals;
  audit: Audit;
};

type NewRow = Pick<User, "username" | "password_hash" | "scopes"> & { active?: boolean };

/** The people of tenants. The only code that writes user records, but for what signing in notes. */
export function createUsers(
  { db, clock, newId, locks, passwords, sessions, principals, audit }: Deps,
) {
  const takeName = async (tx: Transaction, user: User) => {
    const place = tables.usersByName.key(nameKey(user.username));
    const holder = await tx.get(place);
    if (holder && holder.user !== user.id) {
      throw new Problem("conflict", `Cannot use the name "${user.username}": it is taken`);
    }
    tx.set(place, { tenant: user.tenant, user: user.id });
  };

  const add = async (tx: Transaction, tenant: string, given: NewRow, actor: string) => {
    const owner = await tx.get(tables.tenants.key(tenant));
    if (!owner?.active) throw new Problem("unauthorized", "The client is deactivated");
    const user: User = {
      id: newId(),
      tenant,
      active: true,
      created_at: timestamp(clock.now()),
      last_login_at: null,
      ...given,
    };
    await takeName(tx, user);
    tx.set(tables.users.key(tenant, user.id), user);
    const { id, username, scopes } = user;
    audit.note(tx, tenant, actor, "user.created", { subject: id, details: { username, scopes } });
    return user;
  };

  const list = (tenant: string, limit: number, before?: string): Promise<User[]> =>
    newestFirst<User>(db, tables.users.prefix(tenant), limit, before);

  /** Adds within the bound, one after the other. */
  const addBounded = (tenant: string, given: NewRow, actor: string) =>
    locks.run(`users:${tenant}`, async () => {
      if ((await list(tenant, MAX_USERS)).length >= MAX_USERS) {
        throw new Problem("conflict", `Cannot have more than ${MAX_USERS} users: delete one first`);
      }
      return await db.transact((tx) => add(tx, tenant, given, actor));
    });

  const change = async (tx: Transaction, by: TenantPrincipal, before: User, after: User) => {
    const renamed = nameKey(before.username) !== nameKey(after.username);
    if (renamed) tx.delete(tables.usersByName.key(nameKey(before.username)));
    await takeName(tx, after);
    tx.set(tables.users.key(after.tenant, after.id), after);
    const details = {
      ...changes(before, after),
      ...(before.password_hash !== after.password_hash && { password: "changed" }),
    };
    audit.note(tx, after.tenant, by.subject, "user.changed", { subject: after.id, details });
  };

  return {
    /**
     * Makes a user of the caller's tenant. `insufficient_scope` for more than the caller may do,
     * `conflict` when the name is taken in this installation, or beyond 1,000 users.
     */
    async create(by: TenantPrincipal, { password, ...given }: NewUser): Promise<User> {
      refuseEscalation(by, given.scopes);
      const row = { ...given, password_hash: await passwords.hash(password) };
      return await addBounded(by.tenant, row, by.subject);
    },

    /** Takes over a user of another system, whose hash `isPasswordHash` knows. */
    adopt: (tenant: string, row: NewRow): Promise<User> => addBounded(tenant, row, "system"),

    /**
     * Creates the user "admin" of a tenant, once in the life of the installation, however many
     * processes start at the same time. Gives null where that was done before.
     */
    async createFirst(tenant: string, password: string): Promise<User | null> {
      if (await db.get(tables.firstUser.key())) return null;
      const password_hash = await passwords.hash(password);
      return await db.transact(async (tx) => {
        if (await tx.get(tables.firstUser.key())) return null;
        const held = await tx.get(tables.usersByName.key(nameKey("admin")));
        const row: NewRow = { username: "admin", password_hash, scopes: ["admin"] };
        const user = held ? null : await add(tx, tenant, row, "system");
        tx.set(tables.firstUser.key(), user?.id ?? held!.user);
        return user;
      });
    },

    list,

    /** The user with the version of its record, or a `not_found` problem. */
    async getVersioned(tenant: string, id: string): Promise<{ user: User; version: string }> {
      const { value, versionstamp } = await db.entry(tables.users.key(tenant, id));
      return { user: found(value, id), version: versionstamp ?? "" };
    },

    /**
     * Changes a user. A new password or `active: false` ends all of its sessions. `refuseUnless` is
     * shown the version that is about to be replaced, and throws when the caller meant another.
     */
    async patch(
      by: TenantPrincipal,
      id: string,
      { password, ...patch }: UserPatch,
      refuseUnless: (version: string) => void = () => {},
    ): Promise<User> {
      if (patch.scopes) refuseEscalation(by, patch.scopes);
      const place = tables.users.key(by.tenant, id);
      found(await db.get(place), id);
      const hashed = password ? { password_hash: await passwords.hash(password) } : {};
      return await db.transact(async (tx) => {
        const before = found(await tx.get(place), id);
        // Read after the checked read: when they differ, the commit fails and this runs again.
        refuseUnless((await db.entry(place)).versionstamp ?? "");
        const after: User = { ...before, ...patch, ...hashed };
        await change(tx, by, before, after);
        if (password || !after.active) await sessions.endAll(tx, after);
        tx.afterCommit(() => principals.forget(after.tenant));
        return after;
      });
    },

    /**
     * Changes the password of a user who has signed in, and ends the user's other sessions.
     * `unauthorized` when `current_password` is wrong.
     */
    async changePassword(by: TenantPrincipal, given: PasswordChange): Promise<void> {
      const id = by.subject.replace("user:", "");
      const place = tables.users.key(by.tenant, id);
      const known = found(await db.get(place), id);
      if (!await passwords.matches(given.current_password, known.password_hash)) {
        throw new Problem("unauthorized", "Cannot change the password: the current one is wrong");
      }
      const password_hash = await passwords.hash(given.new_password);
      await db.transact(async (tx) => {
        const before = found(await tx.get(place), id);
        await change(tx, by, before, { ...before, password_hash });
        await sessions.endAll(tx, before, by.session);
      });
    },

    /** Deletes a user and its sessions. `not_found` where the tenant has no such user. */
    async remove(
      by: TenantPrincipal,
      id: string,
      refuseUnless: (version: string) => void = () => {},
    ): Promise<void> {
      await db.transact(async (tx) => {
        const place = tables.users.key(by.tenant, id);
        const user = found(await tx.get(place), id);
        refuseUnless((await db.entry(place)).versionstamp ?? "");
        tx.delete(place);
        tx.delete(tables.usersByName.key(nameKey(user.username)));
        await sessions.endAll(tx, user);
        tx.afterCommit(() => principals.forget(user.tenant));
        const details = { username: user.username };
        audit.note(tx, by.tenant, by.subject, "user.deleted", { subject: id, details });
      });
    },
  };
}

export type Users = ReturnType<typeof createUsers>;

function found(user: User | null, id: string): User {
  if (!user) throw new Problem("not_found", `Cannot find user "${id}"`);
  return user;
}

function refuseEscalation(by: TenantPrincipal, scopes: readonly Scope[]) {
  if (covers(by.scopes, scopes)) return;
  throw new Problem("insufficient_scope", "Cannot give a user more scopes than one's own");
}

/** What is different, but for the hash. */
function changes(before: User, after: User): Partial<User> {
  const { username, scopes, active } = after;
  return {
    ...(username !== before.username && { username }),
    ...(scopes.join() !== before.scopes.join() && { scopes }),
    ...(active !== before.active && { active }),
  };
}

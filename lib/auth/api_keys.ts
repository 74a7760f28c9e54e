import type { Audit } from "../audit.ts";
import { type Clock, timestamp } from "../clock.ts";
import { Problem } from "../errors.ts";
import { type Database, newestFirst, type Transaction } from "../kv.ts";
import type { Locks } from "../locks.ts";
import type { ApiKey, NewApiKey, Scope, TenantPrincipal } from "../model/tenant.ts";
import { tables } from "../tables.ts";
import { hintOf, makeKey, sha256Of } from "./key_format.ts";
import type { Principals } from "./principals.ts";
import { covers } from "./scopes.ts";

/** Each key has its own rate limit: their number bounds what a tenant can ask for. */
const MAX_KEYS = 100;

type Deps = {
  db: Database;
  clock: Clock;
  newId: () => string;
  locks: Locks;
  principals: Principals;
  audit: Audit;
};

type NewKey = { name: string; scopes: Scope[]; main?: boolean; expiresAt?: string };

/** A key, and its secret for the only showing. */
export type IssuedKey = { key: ApiKey; secret: string };

/** API keys: made, shown once, kept as SHA-256 and found by it. The only code that writes them. */
export function createApiKeys({ db, clock, newId, locks, principals, audit }: Deps) {
  /** Adds a key to a tenant within `tx`. */
  const issue = (tx: Transaction, tenant: string, given: NewKey): IssuedKey => {
    const secret = makeKey();
    const key: ApiKey = {
      id: newId(),
      tenant,
      name: given.name,
      hint: hintOf(secret),
      sha256: sha256Of(secret),
      scopes: given.scopes,
      main: given.main ?? false,
      created_at: timestamp(clock.now()),
      expires_at: given.expiresAt ?? null,
      last_used_at: null,
    };
    tx.set(tables.apiKeys.key(tenant, key.id), key);
    tx.set(tables.apiKeysByHash.key(key.sha256), { tenant, key: key.id });
    return { key, secret };
  };

  /** Adds a key that its tenant asked for. */
  const add = async (tx: Transaction, by: TenantPrincipal, given: NewKey): Promise<IssuedKey> => {
    const tenant = await tx.get(tables.tenants.key(by.tenant));
    if (!tenant?.active) throw new Problem("unauthorized", "The client is deactivated");
    const issued = issue(tx, by.tenant, given);
    const { id, name, scopes, expires_at } = issued.key;
    const details = { name, scopes, expires_at };
    audit.note(tx, by.tenant, by.subject, "key.created", { subject: id, details });
    return issued;
  };

  const drop = (tx: Transaction, key: ApiKey) => {
    tx.delete(tables.apiKeys.key(key.tenant, key.id));
    tx.delete(tables.apiKeysByHash.key(key.sha256));
    tx.afterCommit(() => principals.forget(key.tenant));
  };

  /** Ends a key at a time (ms since 1970), unless it ends before. */
  const retire = async (tx: Transaction, tenant: string, id: string, end: number) => {
    const place = tables.apiKeys.key(tenant, id);
    const key = await tx.get(place);
    if (!key) return;
    const until = Math.min(end, key.expires_at ? Date.parse(key.expires_at) : Infinity);
    if (until <= clock.now()) return drop(tx, key);
    tx.set(place, { ...key, expires_at: timestamp(until) });
    tx.afterCommit(() => principals.forget(tenant));
  };

  const all = (tenant: string) =>
    newestFirst<ApiKey>(db, tables.apiKeys.prefix(tenant), MAX_KEYS + 1);

  return {
    issue,

    /**
     * Makes a further key of the caller's tenant. `insufficient_scope` for more than the caller may
     * do, `invalid_content` for an end in the past, `conflict` beyond 100 keys.
     */
    async create(by: TenantPrincipal, given: NewApiKey): Promise<IssuedKey> {
      if (!covers(by.scopes, given.scopes)) {
        throw new Problem("insufficient_scope", "Cannot give a key more scopes than one's own");
      }
      const expiresAt = given.expires_at && Date.parse(given.expires_at);
      if (expiresAt && expiresAt <= clock.now()) {
        throw new Problem("invalid_content", "Cannot use expires_at: it has passed");
      }
      return await locks.run(`keys:${by.tenant}`, async () => {
        if ((await all(by.tenant)).length >= MAX_KEYS) {
          throw new Problem("conflict", `Cannot make more than ${MAX_KEYS} keys: delete one first`);
        }
        const { name, scopes } = given;
        const end = expiresAt ? timestamp(expiresAt) : undefined;
        return await db.transact((tx) => add(tx, by, { name, scopes, expiresAt: end }));
      });
    },

    /** A page of a tenant's keys, newest first; `before` is the last id of the page before. */
    list(tenant: string, limit: number, before?: string): Promise<ApiKey[]> {
      return newestFirst<ApiKey>(db, tables.apiKeys.prefix(tenant), limit, before);
    },

    /** Deletes a key, which is refused from then on. `not_found` where the tenant has no such key. */
    async remove(by: TenantPrincipal, id: string): Promise<void> {
      await db.transact(async (tx) => {
        const key = await tx.get(tables.apiKeys.key(by.tenant, id));
        if (!key) throw new Problem("not_found", `Cannot find key "${id}"`);
        drop(tx, key);
        const details = { name: key.name };
        audit.note(tx, by.tenant, by.subject, "key.deleted", { subject: id, details });
      });
    },

    /**
     * Replaces the main key of a tenant: the ones before it are refused at once, or after `graceMs`.
     * Keys that the tenant made for itself stay. `not_found` where there is no such tenant.
     */
    rotate(tenant: string, graceMs: number, actor: string): Promise<IssuedKey> {
      return locks.run(`keys:${tenant}`, async () => {
        const mains = (await all(tenant)).filter(({ main }) => main);
        return await db.transact(async (tx) => {
          const owner = await tx.get(tables.tenants.key(tenant));
          if (!owner) throw new Problem("not_found", `Cannot find client "${tenant}"`);
          for (const { id } of mains) await retire(tx, tenant, id, clock.now() + graceMs);
          const issued = issue(tx, tenant, { name: "main", scopes: owner.scopes, main: true });
          const details = { grace_seconds: graceMs / 1000 };
          audit.note(tx, tenant, actor, "client.key_rotated", { subject: issued.key.id, details });
          return issued;
        });
      });
    },
  };
}

export type ApiKeys = ReturnType<typeof createApiKeys>;

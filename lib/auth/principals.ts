import { type Clock, timestamp } from "../clock.ts";
import type { Database } from "../kv.ts";
import type { Principal, TenantPrincipal } from "../model/tenant.ts";
import { tables } from "../tables.ts";
import { equalHashes, isWellFormed, sha256Of } from "./key_format.ts";
import { narrow } from "./scopes.ts";

const MAX_KNOWN = 10_000;
/** `last_used_at` of a key is written at most so often. */
const USE_NOTED_MS = 60_000;

type Deps = {
  db: Database;
  clock: Clock;
  /** Hash of the master key, which is the operator's and never in the database. */
  adminKeySha256: string;
  /** Hash of a further key of the first tenant, whatever its shape. */
  apiTokenSha256: string | null;
  /** How long a key is believed without asking the database: short when other processes revoke. */
  trustMs: number;
};

/** A key that was looked up. `record` is null for the operator's token, which has none. */
type Known = {
  principal: TenantPrincipal;
  until: number;
  record: { tenant: string; key: string } | null;
  usedAt: number;
};

const MASTER: Principal = { kind: "master", subject: "master" };

/** Tells who holds a secret. */
export function createPrincipals({ db, clock, adminKeySha256, apiTokenSha256, trustMs }: Deps) {
  const known = new Map<string, Known>();
  /** Rises with every change of keys: what was read before one is not to be believed after it. */
  let changes = 0;

  const isToken = (sha256: string) =>
    apiTokenSha256 !== null && equalHashes(sha256, apiTokenSha256);

  const recall = (sha256: string): Known | null => {
    const hit = known.get(sha256);
    return hit && hit.until > clock.now() ? hit : null;
  };

  const remember = (sha256: string, found: Known) => {
    known.delete(sha256);
    if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value!);
    known.set(sha256, found);
  };

  const lookUp = async (sha256: string): Promise<Known | null> => {
    const before = changes;
    const found = isToken(sha256) ? await holderOfToken() : await holderOfKey(sha256);
    if (!found) known.delete(sha256);
    else if (before === changes) remember(sha256, found);
    return found;
  };

  const holderOfToken = async (): Promise<Known | null> => {
    const id = await db.get(tables.firstTenant.key());
    const tenant = id && await db.get(tables.tenants.key(id));
    if (!tenant || !tenant.active) return null;
    const principal: TenantPrincipal = {
      kind: "tenant",
      tenant: tenant.id,
      subject: "key:api_token",
      scopes: tenant.scopes,
      rateLimit: tenant.rate_limit ?? null,
    };
    return { principal, until: clock.now() + trustMs, record: null, usedAt: Infinity };
  };

  const holderOfKey = async (sha256: string): Promise<Known | null> => {
    const owner = await db.get(tables.apiKeysByHash.key(sha256));
    if (!owner) return null;
    const [key, tenant] = await Promise.all([
      db.get(tables.apiKeys.key(owner.tenant, owner.key)),
      db.get(tables.tenants.key(owner.tenant)),
    ]);
    const expiresAt = key?.expires_at ? Date.parse(key.expires_at) : Infinity;
    if (!key || !tenant?.active || expiresAt <= clock.now()) return null;
    const principal: TenantPrincipal = {
      kind: "tenant",
      tenant: tenant.id,
      subject: `key:${key.id}`,
      scopes: narrow(key.main ? tenant.scopes : key.scopes, tenant.scopes),
      rateLimit: tenant.rate_limit ?? null,
    };
    return {
      principal,
      until: Math.min(clock.now() + trustMs, expiresAt),
      record: owner,
      usedAt: key.last_used_at ? Date.parse(key.last_used_at) : -Infinity,
    };
  };

  /** Notes the use, in memory first so that requests at the same time write it once. */
  const noteUse = async (found: Known) => {
    const now = clock.now();
    if (!found.record || now - found.usedAt < USE_NOTED_MS) return;
    found.usedAt = now;
    const place = tables.apiKeys.key(found.record.tenant, found.record.key);
    await db.transact(async (tx) => {
      const key = await tx.get(place);
      const noted = key?.last_used_at ? Date.parse(key.last_used_at) : -Infinity;
      if (key && now - noted >= USE_NOTED_MS) {
        tx.set(place, { ...key, last_used_at: timestamp(now) });
      }
    });
  };

  return {
    /** Who holds this secret; null when nobody (any more) does. */
    async authenticate(secret: string): Promise<Principal | null> {
      const sha256 = sha256Of(secret);
      if (equalHashes(sha256, adminKeySha256)) return MASTER;
      if (!isToken(sha256) && !isWellFormed(secret)) return null;
      const found = recall(sha256) ?? await lookUp(sha256);
      if (found) await noteUse(found);
      return found?.principal ?? null;
    },

    /** Whether this is a key of full strength that proved right before: whoever sends it does not guess. */
    isKnown(secret: string): boolean {
      return isWellFormed(secret) && known.has(sha256Of(secret));
    },

    /** Believes nothing any more of a tenant whose keys or rights have changed. */
    forget(tenant: string) {
      changes++;
      for (const [sha256, { principal }] of known) {
        if (principal.tenant === tenant) known.delete(sha256);
      }
    },
  };
}

export type Principals = ReturnType<typeof createPrincipals>;

import { type Clock, timestamp } from "../clock.ts";
import type { Database } from "../kv.ts";
import type { Principal, TenantPrincipal } from "../model/tenant.ts";
import { tables } from "../tables.ts";
import { type Claimant, createHolders, type Holder } from "./holders.ts";
import { equalHashes, isWellFormed, sha256Of } from "./key_format.ts";
import { isShaped, type Tokens } from "./tokens.ts";

const MAX_KNOWN = 10_000;
/** `last_used_at` of a key is written at most so often. */
const USE_NOTED_MS = 60_000;

type Deps = {
  db: Database;
  clock: Clock;
  tokens: Tokens;
  /** Hash of the master key, which is the operator's and never in the database. */
  adminKeySha256: string;
  /** Hash of a further key of the first tenant, whatever its shape. */
  apiTokenSha256: string | null;
  /** How long a secret is believed without asking the database: short when other processes revoke. */
  trustMs: number;
};

/** A secret that was looked up. */
type Known = Holder & { until: number };

const MASTER: Principal = { kind: "master", subject: "master" };

/** Tells who holds a secret: a key, or a user's access token. */
export function createPrincipals(
  { db, clock, tokens, adminKeySha256, apiTokenSha256, trustMs }: Deps,
) {
  const holders = createHolders({ db, clock, tokens });
  const known = new Map<string, Known>();
  /** Rises with every change of rights: what was read before one is not to be believed after it. */
  let changes = 0;
  const listeners = new Set<(tenant: string) => void>();

  const isApiToken = (sha256: string) =>
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

  const find = (secret: string, sha256: string): Promise<Holder | null> => {
    if (isApiToken(sha256)) return holders.ofApiToken();
    return isShaped(secret) ? holders.ofToken(secret) : holders.ofKey(sha256);
  };

  const lookUp = async (secret: string, sha256: string): Promise<Known | null> => {
    const before = changes;
    const holder = await find(secret, sha256);
    if (!holder) {
      known.delete(sha256);
      return null;
    }
    const until = Math.min(clock.now() + trustMs, holder.principal.endsAt ?? Infinity);
    const found = { ...holder, until };
    if (before === changes) remember(sha256, found);
    return found;
  };

  /** Notes the use, in memory first so that requests at the same time write it once. */
  const noteUse = async (found: Known) => {
    const now = clock.now();
    if (!found.key || now - found.usedAt < USE_NOTED_MS) return;
    found.usedAt = now;
    const place = tables.apiKeys.key(found.principal.tenant, found.key);
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
      if (!isApiToken(sha256) && !isStrong(secret)) return null;
      const found = recall(sha256) ?? await lookUp(secret, sha256);
      if (found) await noteUse(found);
      return found?.principal ?? null;
    },

    /** Somebody who was known before, with the rights that they have now; null when they have none. */
    async renew(claimant: Claimant): Promise<TenantPrincipal | null> {
      return (await holders.again(claimant))?.principal ?? null;
    },

    /** Whether this is a secret of full strength that proved right before: whoever sends it does not guess. */
    isKnown(secret: string): boolean {
      return isStrong(secret) && known.has(sha256Of(secret));
    },

    /** Believes nothing any more of a tenant whose keys, users or rights have changed. */
    forget(tenant: string) {
      changes++;
      for (const [sha256, { principal }] of known) {
        if (principal.tenant === tenant) known.delete(sha256);
      }
      for (const listener of listeners) listener(tenant);
    },

    /** Calls `listener` with each tenant whose keys, users or rights this process has changed. */
    listen(listener: (tenant: string) => void) {
      listeners.add(listener);
    },
  };
}

export type Principals = ReturnType<typeof createPrincipals>;

/** Whether a string looks like what Imago gives out: nobody guesses such a one. */
function isStrong(secret: string): boolean {
  return isWellFormed(secret) || isShaped(secret);
}

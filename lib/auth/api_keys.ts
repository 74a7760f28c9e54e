import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import { type Clock, timestamp } from "../clock.ts";
import type { Database, Transaction } from "../kv.ts";
import type { ApiKey, Principal, Scope } from "../model/tenant.ts";
import { tables } from "../tables.ts";

const PREFIX = "imago_";
const RANDOM_LENGTH = 40;
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SHAPE = /^imago_[0-9A-Za-z]{38,}$/;
const MAX_KNOWN = 10_000;

type Deps = {
  db: Database;
  clock: Clock;
  newId: () => string;
  /** Hash of the master key, which is the operator's and never in the database. */
  adminKeySha256: string;
  /** How long a key is believed without asking the database: short when other processes revoke. */
  trustMs: number;
};

/** API keys: made, shown once, kept as SHA-256 and found by it. */
export function createApiKeys({ db, clock, newId, adminKeySha256, trustMs }: Deps) {
  const known = new Map<string, { principal: Principal; until: number }>();

  const remember = (sha256: string, principal: Principal) => {
    if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value!);
    known.set(sha256, { principal, until: clock.now() + trustMs });
    return principal;
  };

  const lookUp = async (sha256: string): Promise<Principal | null> => {
    const owner = await db.get(tables.apiKeysByHash.key(sha256));
    if (!owner) return null;
    const [key, tenant] = await Promise.all([
      db.get(tables.apiKeys.key(owner.tenant, owner.key)),
      db.get(tables.tenants.key(owner.tenant)),
    ]);
    if (!key || !tenant?.active) return null;
    return remember(sha256, {
      kind: "tenant",
      tenant: owner.tenant,
      subject: `key:${key.id}`,
      scopes: key.scopes,
    });
  };

  return {
    /** Adds a key to a tenant within `tx`. Returns the record, and the secret for its only showing. */
    issue(tx: Transaction, tenant: string, name: string, scopes: Scope[]) {
      const secret = makeKey();
      const key: ApiKey = {
        id: newId(),
        tenant,
        name,
        hint: `${secret.slice(0, 10)}…${secret.slice(-4)}`,
        sha256: sha256Of(secret),
        scopes,
        created_at: timestamp(clock.now()),
      };
      tx.set(tables.apiKeys.key(tenant, key.id), key);
      tx.set(tables.apiKeysByHash.key(key.sha256), { tenant, key: key.id });
      return { key, secret };
    },

    /** Who holds this secret; null when nobody (any more) does. */
    async authenticate(secret: string): Promise<Principal | null> {
      const sha256 = sha256Of(secret);
      if (equal(sha256, adminKeySha256)) return { kind: "master", subject: "master" };
      if (!isWellFormed(secret)) return null;
      const hit = known.get(sha256);
      if (hit && hit.until > clock.now()) return hit.principal;
      known.delete(sha256);
      return await lookUp(sha256);
    },

    /** Believes nothing any more of a tenant whose keys or rights have changed. */
    forget(tenant: string) {
      for (const [sha256, { principal }] of known) {
        if (principal.kind === "tenant" && principal.tenant === tenant) known.delete(sha256);
      }
    },
  };
}

export type ApiKeys = ReturnType<typeof createApiKeys>;

/** `imago_`, 40 random base62 digits, and their CRC-32 in six more: a typo is told without a look-up. */
export function makeKey(): string {
  let random = "";
  while (random.length < RANDOM_LENGTH) {
    // 248 = 4 × 62: bytes above it would favour the first digits.
    for (const byte of randomBytes(64)) if (byte < 248) random += BASE62[byte % 62];
  }
  random = random.slice(0, RANDOM_LENGTH);
  return PREFIX + random + checksum(random);
}

/** Whether a string has the shape and the checksum of an Imago key. */
export function isWellFormed(secret: string): boolean {
  if (!SHAPE.test(secret) || secret.length > 200) return false;
  const random = secret.slice(PREFIX.length, -6);
  return checksum(random) === secret.slice(-6);
}

export function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let i = 0; i < 6; i++) {
    digits = BASE62[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

function equal(a: string, b: string): boolean {
  return a.length === b.length &&
    timingSafeEqual(new TextEncoder().encode(a), new TextEncoder().encode(b));
}

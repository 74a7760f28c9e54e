import type { Clock } from "../clock.ts";
import type { Database } from "../kv.ts";
import type { Scope, Tenant, TenantPrincipal } from "../model/tenant.ts";
import { tables } from "../tables.ts";
import { narrow } from "./scopes.ts";
import type { Tokens } from "./tokens.ts";

/** Who holds a secret. */
export type Holder = {
  principal: TenantPrincipal;
  /** The key that it is, whose use is noted; null for what has no record of its use. */
  key: string | null;
  /** When it was last used, in ms since 1970. */
  usedAt: number;
};

/** Whom a principal was, to look up what became of them. */
export type Claimant = Pick<TenantPrincipal, "tenant" | "subject" | "session" | "endsAt">;

type Deps = { db: Database; clock: Clock; tokens: Tokens };

const API_TOKEN = "key:api_token";

/** Looks up in the database who holds what; null when nobody (any more) does. */
export function createHolders({ db, clock, tokens }: Deps) {
  const isPast = (time: string | null) => time !== null && Date.parse(time) <= clock.now();

  const key = async (tenantId: string, id: string): Promise<Holder | null> => {
    const [key, tenant] = await Promise.all([
      db.get(tables.apiKeys.key(tenantId, id)),
      db.get(tables.tenants.key(tenantId)),
    ]);
    if (!key || !tenant?.active || isPast(key.expires_at)) return null;
    const principal = {
      ...principalOf(tenant, `key:${key.id}`, key.main ? tenant.scopes : key.scopes),
      endsAt: key.expires_at ? Date.parse(key.expires_at) : undefined,
    };
    const usedAt = key.last_used_at ? Date.parse(key.last_used_at) : -Infinity;
    return { principal, key: key.id, usedAt };
  };

  const user = async (tenantId: string, id: string, sid: string, endsAt: number) => {
    const [session, user, tenant] = await Promise.all([
      db.get(tables.sessions.key(tenantId, id, sid)),
      db.get(tables.users.key(tenantId, id)),
      db.get(tables.tenants.key(tenantId)),
    ]);
    if (!session || !user?.active || !tenant?.active || endsAt <= clock.now()) return null;
    const principal = { ...principalOf(tenant, `user:${id}`, user.scopes), session: sid, endsAt };
    return without(principal);
  };

  const apiToken = async (): Promise<Holder | null> => {
    const id = await db.get(tables.firstTenant.key());
    const tenant = id && await db.get(tables.tenants.key(id));
    return tenant && tenant.active ? without(principalOf(tenant, API_TOKEN, tenant.scopes)) : null;
  };

  return {
    /** Of the operator's further key, which has no record. */
    ofApiToken: apiToken,

    async ofKey(sha256: string): Promise<Holder | null> {
      const owner = await db.get(tables.apiKeysByHash.key(sha256));
      return owner && await key(owner.tenant, owner.key);
    },

    /** Of a user's access token. */
    async ofToken(token: string): Promise<Holder | null> {
      const claims = await tokens.verify("access", token);
      return claims && await user(claims.tenant, claims.sub, claims.sid, claims.exp * 1000);
    },

    /** What became of somebody who was known before. */
    again({ tenant, subject, session, endsAt = Infinity }: Claimant): Promise<Holder | null> {
      const [kind, id = ""] = subject.split(":");
      if (subject === API_TOKEN) return apiToken();
      return kind === "user" ? user(tenant, id, session ?? "", endsAt) : key(tenant, id);
    },
  };
}

function principalOf(
  { id, scopes: bound, rate_limit }: Tenant,
  subject: string,
  scopes: readonly Scope[],
): TenantPrincipal {
  return {
    kind: "tenant",
    tenant: id,
    subject,
    scopes: narrow(scopes, bound),
    rateLimit: rate_limit ?? null,
  };
}

/** A holder whose use is not noted. */
function without(principal: TenantPrincipal): Holder {
  return { principal, key: null, usedAt: Infinity };
}

import type { Audit } from "./audit.ts";
import type { ApiKeys } from "./auth/api_keys.ts";
import type { Principals } from "./auth/principals.ts";
import { type Clock, timestamp } from "./clock.ts";
import { Problem } from "./errors.ts";
import { type Database, newestFirst, type Transaction } from "./kv.ts";
import type { NewTenant, Plan, Tenant, TenantPatch } from "./model/tenant.ts";
import { tables } from "./tables.ts";

type Deps = {
  db: Database;
  clock: Clock;
  newId: () => string;
  keys: ApiKeys;
  principals: Principals;
  audit: Audit;
  /** Storage that a plan brings, in bytes. */
  planQuota: Record<Plan, number>;
};

/** A tenant and its key, which is shown this once. */
export type CreatedTenant = { tenant: Tenant; apiKey: string };

/** The customers of this installation. The only code that writes tenant records. */
export function createTenants({ db, clock, newId, keys, principals, audit, planQuota }: Deps) {
  const build = (tx: Transaction, given: NewTenant, actor: string): CreatedTenant => {
    const tenant: Tenant = {
      id: newId(),
      name: given.name,
      plan: given.plan,
      scopes: given.scopes,
      quota_bytes: given.quota_bytes ?? planQuota[given.plan],
      rate_limit: given.rate_limit ?? null,
      ai_budget: given.ai_budget ?? null,
      external_ai: given.external_ai,
      active: true,
      created_at: timestamp(clock.now()),
    };
    tx.set(tables.tenants.key(tenant.id), tenant);
    tx.set(tables.usage.key(tenant.id), { bytes: 0, images: 0 });
    const { scopes } = tenant;
    const { secret } = keys.issue(tx, tenant.id, { name: "main", scopes, main: true });
    const { name, plan, quota_bytes } = tenant;
    audit.note(tx, tenant.id, actor, "client.created", {
      subject: tenant.id,
      details: { name, plan, scopes, quota_bytes },
    });
    return { tenant, apiKey: secret };
  };

  const refuseUnlessFound = (tenant: Tenant | null, id: string): Tenant => {
    if (!tenant) throw new Problem("not_found", `Cannot find client "${id}"`);
    return tenant;
  };

  const oldest = async (): Promise<Tenant | null> => {
    const first = db.list<Tenant>({ prefix: tables.tenants.prefix() }, { limit: 1 });
    for await (const { value } of first) return value;
    return null;
  };

  return {
    /** Creates a tenant and its main key; the key is in the answer this once. */
    create(given: NewTenant, actor = "master"): Promise<CreatedTenant> {
      return db.transact((tx) => build(tx, given, actor));
    },

    /**
     * Creates the tenant "default" with all rights, once in the life of the installation, however
     * many processes start at the same time. Gives null where that was done before.
     */
    createFirst(): Promise<CreatedTenant | null> {
      return db.transact(async (tx) => {
        const place = tables.firstTenant.key();
        if (await tx.get(place)) return null;
        const existing = await oldest();
        if (existing) {
          tx.set(place, existing.id);
          return null;
        }
        const created = build(tx, {
          name: "default",
          plan: "standard",
          scopes: ["admin"],
          external_ai: true,
        }, "system");
        tx.set(place, created.tenant.id);
        return created;
      });
    },

    /** The id of the tenant that the first start made, while that is active. */
    async findFirst(): Promise<string | null> {
      const id = await db.get(tables.firstTenant.key());
      return id && (await db.get(tables.tenants.key(id)))?.active ? id : null;
    },

    /** The tenant, or a `not_found` problem. */
    async get(id: string): Promise<Tenant> {
      return refuseUnlessFound(await db.get(tables.tenants.key(id)), id);
    },

    /** The tenant with the version of its record, for ETags. */
    async getVersioned(id: string): Promise<{ tenant: Tenant; version: string }> {
      const entry = await db.entry(tables.tenants.key(id));
      return { tenant: refuseUnlessFound(entry.value, id), version: entry.versionstamp ?? "" };
    },

    /** Whether the tenant exists and is not deactivated. */
    async isActive(id: string): Promise<boolean> {
      return (await db.get(tables.tenants.key(id)))?.active ?? false;
    },

    /**
     * Changes a tenant. Its keys follow at once. `conflict` once its erasure has begun. `refuseUnless` is shown the version that is about
     * to be replaced, and throws when the caller meant another.
     */
    patch(
      id: string,
      patch: TenantPatch,
      actor: string,
      refuseUnless: (version: string) => void = () => {},
    ): Promise<Tenant> {
      return db.transact(async (tx) => {
        const place = tables.tenants.key(id);
        const before = refuseUnlessFound(await tx.get(place), id);
        if (await tx.get(tables.erasures.key(id))) {
          throw new Problem("conflict", "Cannot change the client: it is being erased");
        }
        // Read after the checked read: when they differ, the commit fails and this runs again.
        refuseUnless((await db.entry(place)).versionstamp ?? "");
        const followsPlan = before.quota_bytes === planQuota[before.plan];
        const quota_bytes = patch.plan && followsPlan ? planQuota[patch.plan] : before.quota_bytes;
        const after: Tenant = { ...before, quota_bytes, ...patch };
        tx.set(place, after);
        audit.note(tx, id, actor, nameOf(before, after), { subject: id, details: patch });
        tx.afterCommit(() => principals.forget(id));
        return after;
      });
    },

    /** A page of tenants, newest first; `before` is the last id of the page before. */
    list(limit: number, before?: string): Promise<Tenant[]> {
      return newestFirst<Tenant>(db, tables.tenants.prefix(), limit, before);
    },
  };
}

export type Tenants = ReturnType<typeof createTenants>;

function nameOf(before: Tenant, after: Tenant): string {
  if (before.active === after.active) return "client.changed";
  return after.active ? "client.activated" : "client.deactivated";
}

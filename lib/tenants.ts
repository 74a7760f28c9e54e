import type { ApiKeys } from "./auth/api_keys.ts";
import { type Clock, timestamp } from "./clock.ts";
import { Problem } from "./errors.ts";
import type { Database, Transaction } from "./kv.ts";
import type { NewTenant, Plan, Tenant } from "./model/tenant.ts";
import { tables } from "./tables.ts";

type Deps = {
  db: Database;
  clock: Clock;
  newId: () => string;
  keys: ApiKeys;
  /** Storage that a plan brings, in bytes. */
  planQuota: Record<Plan, number>;
};

/** The customers of this installation. The only code that writes tenant records. */
export function createTenants({ db, clock, newId, keys, planQuota }: Deps) {
  const build = (tx: Transaction, given: NewTenant) => {
    const tenant: Tenant = {
      id: newId(),
      name: given.name,
      plan: given.plan,
      scopes: given.scopes,
      quota_bytes: given.quota_bytes ?? planQuota[given.plan],
      external_ai: given.external_ai,
      active: true,
      created_at: timestamp(clock.now()),
    };
    tx.set(tables.tenants.key(tenant.id), tenant);
    tx.set(tables.usage.key(tenant.id), { bytes: 0, images: 0 });
    const { secret } = keys.issue(tx, tenant.id, "first", tenant.scopes);
    return { tenant, apiKey: secret };
  };

  return {
    /** Creates a tenant and its first key; the key is in the answer this once. */
    create(given: NewTenant): Promise<{ tenant: Tenant; apiKey: string }> {
      return db.transact((tx) => build(tx, given));
    },

    /** Creates the tenant "default" with all rights, unless the installation has tenants already. */
    async createFirst(): Promise<{ tenant: Tenant; apiKey: string } | null> {
      for await (const _ of db.list({ prefix: tables.tenants.prefix() }, { limit: 1 })) return null;
      return await this.create({
        name: "default",
        plan: "standard",
        scopes: ["admin"],
        external_ai: true,
      });
    },

    /** The tenant, or a `not_found` problem. */
    async get(id: string): Promise<Tenant> {
      const tenant = await db.get(tables.tenants.key(id));
      if (!tenant) throw new Problem("not_found", `Cannot find client "${id}"`);
      return tenant;
    },

    /** Whether the tenant exists and is not deactivated. */
    async isActive(id: string): Promise<boolean> {
      return (await db.get(tables.tenants.key(id)))?.active ?? false;
    },

    /** A page of tenants, newest first; `before` is the last id of the page before. */
    async list(limit: number, before?: string): Promise<Tenant[]> {
      const end = before ? { end: tables.tenants.key(before) } : {};
      const page: Tenant[] = [];
      const entries = db.list<Tenant>(
        { prefix: tables.tenants.prefix(), ...end },
        { limit, reverse: true },
      );
      for await (const { value } of entries) page.push(value);
      return page;
    },
  };
}

export type Tenants = ReturnType<typeof createTenants>;

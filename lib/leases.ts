import { type Clock, timestamp } from "./clock.ts";
import type { Database } from "./kv.ts";
import { tables } from "./tables.ts";

const LEASE_MS = 30_000;

/** Who does what only one process may do at a time, such as serving a tenant's webhooks. */
export function createLeases({ db, clock }: { db: Database; clock: Clock }) {
  return {
    /**
     * Whether this owner has the lease now: taken, or kept, for 30 s. Ask again well before they are
     * over; it is written anew when a third of them is gone.
     */
    take(tenant: string, what: string, owner: string): Promise<boolean> {
      const key = tables.leases.key(tenant, what);
      return db.transact(async (tx) => {
        const held = await tx.get(key);
        const left = held ? Date.parse(held.expires_at) - clock.now() : 0;
        if (held && held.owner !== owner && left > 0) return false;
        if (held?.owner === owner && left > LEASE_MS * 2 / 3) return true;
        const tenantRow = await tx.get(tables.tenants.key(tenant));
        if (!tenantRow) return false;
        tx.set(key, { owner, expires_at: timestamp(clock.now() + LEASE_MS) });
        return true;
      });
    },

    /** Gives back what this owner has, so that another need not wait for its end. */
    release(tenant: string, what: string, owner: string): Promise<void> {
      const key = tables.leases.key(tenant, what);
      return db.transact(async (tx) => {
        if ((await tx.get(key))?.owner === owner) tx.delete(key);
      });
    },
  };
}

export type Leases = ReturnType<typeof createLeases>;

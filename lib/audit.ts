import { type Clock, timestamp } from "./clock.ts";
import { type Database, newestFirst, type Transaction } from "./kv.ts";
import type { AuditEntry } from "./model/audit.ts";
import { purgeOlder } from "./retention.ts";
import { tables } from "./tables.ts";

type Deps = { db: Database; clock: Clock; newId: () => string };

/** Who did which admin operation, when: kept under the tenant that it concerns. */
export function createAudit({ db, clock, newId }: Deps) {
  return {
    /** Notes an operation within the transaction that does it. `details` must hold no secret. */
    note(
      tx: Transaction,
      tenant: string,
      actor: string,
      action: string,
      { subject = null, details = {} }: Partial<Pick<AuditEntry, "subject" | "details">> = {},
    ) {
      const entry: AuditEntry = {
        id: newId(),
        at: timestamp(clock.now()),
        actor,
        action,
        subject,
        details,
      };
      tx.set(tables.audit.key(tenant, entry.id), entry);
    },

    /** Deletes entries from before `before` (ms since 1970); gives how many. */
    purge: (tenant: string, before: number): Promise<number> =>
      purgeOlder(db, tables.audit, tenant, before),

    /** A page of a tenant's entries, newest first; `before` is the last id of the page before. */
    list(tenant: string, limit: number, before?: string): Promise<AuditEntry[]> {
      return newestFirst<AuditEntry>(db, tables.audit.prefix(tenant), limit, before);
    },
  };
}

export type Audit = ReturnType<typeof createAudit>;

import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import type { Erasures } from "../../lib/erasures.ts";
import type { Database } from "../../lib/kv.ts";
import type { Tenant } from "../../lib/model/tenant.ts";
import type { Retention } from "../../lib/retention.ts";
import { tables } from "../../lib/tables.ts";
import { repeat } from "./repeat.ts";

const log = getLogger(["imago", "retention"]);

const HOUR = 60 * 60 * 1000;

type Deps = {
  db: Database;
  clock: Clock;
  retentions: readonly Retention[];
  erasures: Pick<Erasures, "resume" | "tidy">;
};

/** Deletes what has been kept as long as it may be, of every tenant, and what erasures have left. */
export function createRetentionSweep({ db, clock, retentions, erasures }: Deps) {
  let cancel = () => {};
  let stopped = false;

  const purge = async ({ what, keepMs, purge }: Retention, tenant: string) => {
    try {
      const purged = await purge(tenant, clock.now() - keepMs);
      if (purged) log.info("Purged {purged} {what} of {tenant}", { purged, what, tenant });
    } catch (error) {
      // The other things and tenants do not wait for it; the next hour tries again.
      log.error("Cannot purge {what} of {tenant}: {error}", { what, tenant, error });
    }
  };

  /** One round over all tenants. */
  const sweep = async (): Promise<void> => {
    for await (const { value: { id } } of db.list<Tenant>({ prefix: tables.tenants.prefix() })) {
      for (const retention of retentions) {
        if (stopped) return;
        await purge(retention, id);
      }
    }
    await erasures.resume();
    await erasures.tidy();
  };

  return {
    sweep,
    /** Sweeps now, and every hour until `stop`. */
    start() {
      cancel = repeat(clock, HOUR, "apply retention", sweep);
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}

import type { Database, Transaction } from "./kv.ts";
import type { ImageRow } from "./model/image.ts";
import type { UploadStats } from "./model/record.ts";
import { timeOf } from "./search/span.ts";
import { tables } from "./tables.ts";

const COUNTERS = ["total", "failed", "settled", "settled_ms"] as const;
type Counter = typeof COUNTERS[number];

/**
 * How a tenant's uploads ended, as counters that move in the transaction of what they count. They
 * tell of every attempt there ever was: what is deleted or forgotten later stays counted.
 */
export function createUploadStats({ db }: { db: Database }) {
  const add = (tx: Transaction, tenant: string, counter: Counter, amount: number) =>
    tx.sum(tables.uploadCounts.key(tenant, counter), amount);

  return {
    /** An upload was taken in. */
    accepted(tx: Transaction, tenant: string) {
      add(tx, tenant, "total", 1);
    },

    /** An upload was refused. */
    refused(tx: Transaction, tenant: string) {
      add(tx, tenant, "total", 1);
      add(tx, tenant, "failed", 1);
    },

    /** An image has changed: it may have failed, or have another chance, or be `settled` first. */
    changed(tx: Transaction, before: ImageRow, after: ImageRow, settled = false) {
      const failed = Number(after.status === "failed") - Number(before.status === "failed");
      if (failed) add(tx, after.tenant, "failed", failed);
      if (!settled || !after.done_at) return;
      add(tx, after.tenant, "settled", 1);
      add(
        tx,
        after.tenant,
        "settled_ms",
        Math.max(0, Date.parse(after.done_at) - timeOf(after.id)),
      );
    },

    async read(tenant: string): Promise<UploadStats> {
      const entries = await db.getMany<Deno.KvU64[]>(
        COUNTERS.map((counter) => tables.uploadCounts.key(tenant, counter)),
      );
      const [total = 0, failed = 0, settled = 0, ms = 0] = entries.map(({ value }) =>
        Number(value?.value ?? 0n)
      );
      return {
        total,
        failed,
        success_rate: `${(total ? (total - failed) / total * 100 : 0).toFixed(2)}%`,
        average_processing_time_seconds: settled ? Math.round(ms / settled) / 1000 : 0,
      };
    },
  };
}

export type UploadCounts = ReturnType<typeof createUploadStats>;

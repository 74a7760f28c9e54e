import type { Database, Transaction } from "./kv.ts";
import { type ImageRow, ImageStatus } from "./model/image.ts";
import type { UploadStats } from "./model/record.ts";
import { timeOf } from "./search/span.ts";
import { tables } from "./tables.ts";

const COUNTERS = ["total", "failed", "settled", "settled_ms"] as const;

/**
 * How a tenant's uploads ended, as counters that move in the transaction of what they count. They
 * tell of every attempt there ever was: what is deleted or forgotten later stays counted. Beside
 * them, how many images there are now in each state: under `status:done` and so on.
 */
export function createUploadStats({ db }: { db: Database }) {
  const add = (tx: Transaction, tenant: string, counter: string, amount: number) =>
    tx.sum(tables.uploadCounts.key(tenant, counter), amount);

  const readMany = async (tenant: string, counters: readonly string[]): Promise<number[]> => {
    const keys = counters.map((counter) => tables.uploadCounts.key(tenant, counter));
    const entries = await db.getMany<Deno.KvU64[]>(keys);
    return entries.map(({ value }) => Number(value?.value ?? 0n));
  };

  return {
    /** An upload was taken in. */
    accepted(tx: Transaction, { tenant, status, created_at }: ImageRow) {
      add(tx, tenant, "total", 1);
      add(tx, tenant, dayTerm(created_at), 1);
      add(tx, tenant, `status:${status}`, 1);
    },

    /** An upload was refused. */
    refused(tx: Transaction, tenant: string) {
      add(tx, tenant, "total", 1);
      add(tx, tenant, "failed", 1);
    },

    /** An image has changed: it may have failed, or have another chance, or be `settled` first. */
    changed(tx: Transaction, before: ImageRow, after: ImageRow, settled = false) {
      const { tenant } = after;
      if (before.status !== after.status) {
        add(tx, tenant, `status:${before.status}`, -1);
        add(tx, tenant, `status:${after.status}`, 1);
      }
      const failed = Number(after.status === "failed") - Number(before.status === "failed");
      if (failed) add(tx, tenant, "failed", failed);
      if (!settled || !after.done_at) return;
      add(tx, tenant, "settled", 1);
      add(tx, tenant, "settled_ms", Math.max(0, Date.parse(after.done_at) - timeOf(after.id)));
    },

    /** An image is gone. */
    removed(tx: Transaction, { tenant, status }: ImageRow) {
      add(tx, tenant, `status:${status}`, -1);
    },

    /** How many images there are in each state. */
    async byStatus(tenant: string): Promise<Record<ImageStatus, number>> {
      const states = ImageStatus.options;
      const counts = await readMany(tenant, states.map((status) => `status:${status}`));
      return Object.fromEntries(states.map((status, at) => [status, counts[at]])) as Record<
        ImageStatus,
        number
      >;
    },

    /** How many were taken in on each day (UTC, `2026-05-01`) from `first` on. */
    async byDay(tenant: string, first: string): Promise<Map<string, number>> {
      const days = db.list<Deno.KvU64>({
        start: tables.uploadCounts.key(tenant, dayTerm(first)),
        end: tables.uploadCounts.key(tenant, "day:~"),
      });
      const counts = new Map<string, number>();
      for await (const { key, value } of days) {
        counts.set(String(key[2]).slice("day:".length), Number(value.value));
      }
      return counts;
    },

    async read(tenant: string): Promise<UploadStats> {
      const [total = 0, failed = 0, settled = 0, ms = 0] = await readMany(tenant, COUNTERS);
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

function dayTerm(time: string): string {
  return `day:${time.slice(0, 10)}`;
}

import type { Clock } from "./clock.ts";
import type { Database } from "./kv.ts";
import type { QueueDepth } from "./metrics.ts";
import { tables } from "./tables.ts";

/** Counting further would only slow down those who work. */
const MOST = 10_000;
const CACHE_MS = 10_000;

/** Counts the jobs that wait, at most every ten seconds and up to a bound, however often it is asked. */
export function createQueueDepth({ db, clock }: { db: Database; clock: Clock }) {
  let last: { at: number; depth: Promise<QueueDepth> } | null = null;
  return (): Promise<QueueDepth> => {
    const now = clock.now();
    if (!last || now - last.at >= CACHE_MS) {
      // A failure is not kept.
      const depth = countWaiting(db, tables.jobsReady.prefix(), now, MOST).catch((error) => {
        last = null;
        throw error;
      });
      last = { at: now, depth };
    }
    return last.depth;
  };
}

/** What waits under a prefix of `jobsReady`, counted up to `most`; `now` in ms since 1970. */
export async function countWaiting(
  db: Database,
  prefix: Deno.KvKey,
  now: number,
  most: number,
): Promise<QueueDepth> {
  let [due, later, oldest] = [0, 0, now];
  for await (const { key } of db.list({ prefix }, { limit: most, batchSize: 1_000 })) {
    const runAt = Number(key[3]);
    if (runAt > now) later++;
    else due++;
    oldest = Math.min(oldest, runAt);
  }
  return { due, later, oldestDueSeconds: (now - oldest) / 1000 };
}

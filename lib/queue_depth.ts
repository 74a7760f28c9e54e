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
      const depth = count(db, now).catch((error) => {
        last = null;
        throw error;
      });
      last = { at: now, depth };
    }
    return last.depth;
  };
}

async function count(db: Database, now: number): Promise<QueueDepth> {
  let [due, later, oldest] = [0, 0, now];
  const ready = db.list({ prefix: tables.jobsReady.prefix() }, { limit: MOST, batchSize: 1_000 });
  for await (const { key } of ready) {
    const runAt = Number(key[3]);
    if (runAt > now) later++;
    else due++;
    oldest = Math.min(oldest, runAt);
  }
  return { due, later, oldestDueSeconds: (now - oldest) / 1000 };
}

import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import type { Database } from "../../lib/kv.ts";
import { isNamed } from "../../lib/objects.ts";
import type { Storage } from "../../lib/storage/storage.ts";
import { repeat } from "./repeat.ts";

const log = getLogger(["imago", "orphans"]);

const HOUR = 60 * 60 * 1000;
/** Bytes younger than this may belong to a record that is about to be written by another process. */
const GRACE_MS = HOUR;

type Deps = {
  db: Database;
  storage: Storage;
  clock: Clock;
  /** Nobody else writes: what stood here before the start and has no record never gets one. */
  exclusive: boolean;
};

/**
 * Deletes bytes that no record points to, and unfinished ones: what crashes leave before a commit.
 * Must be made before the first upload can come.
 */
export function createOrphanSweep({ db, storage, clock, exclusive }: Deps) {
  const createdAt = clock.now();
  let cancel = () => {};
  let stopped = false;

  /** Sweeps what was written before `before` (ms since 1970). Returns how many objects went. */
  const sweep = async (before: number): Promise<number> => {
    let swept = await storage.sweep(new Date(before));
    for await (const { key, modifiedAt } of storage.list("")) {
      if (stopped) break;
      if (modifiedAt.getTime() >= before || await isNamed(db, key)) continue;
      await storage.delete(key);
      swept++;
    }
    if (swept) log.info("Swept {swept} objects that nothing pointed to", { swept });
    return swept;
  };

  return {
    sweep,
    /** Sweeps now, and every hour until `stop`. */
    start() {
      let first = exclusive;
      cancel = repeat(clock, HOUR, "sweep orphans", async () => {
        const before = first ? createdAt : clock.now() - GRACE_MS;
        first = false;
        await sweep(before);
      });
    },
    stop() {
      stopped = true;
      cancel();
    },
  };
}

import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";

const log = getLogger(["imago", "upkeep"]);

/**
 * Runs `work` now, and again `ms` after each of its ends, until the returned function is called.
 * What it throws is logged, and the next time comes all the same.
 */
export function repeat(clock: Clock, ms: number, what: string, work: () => Promise<unknown>) {
  let cancel = () => {};
  let stopped = false;
  const run = () => {
    work()
      .catch((error) => log.error("Cannot {what}: {error}", { what, error }))
      .finally(() => {
        if (!stopped) cancel = clock.after(ms, run);
      });
  };
  run();
  return () => {
    stopped = true;
    cancel();
  };
}

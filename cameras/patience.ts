import type { Clock } from "../lib/clock.ts";

const SHORTEST_MS = 1_000;
const LONGEST_MS = 60_000;

/** How long to wait after so many failures in a row: doubled each time, half of it by chance. */
export function backoff(failures: number, random = Math.random): number {
  const most = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** Math.min(failures - 1, 10));
  return most / 2 + random() * most / 2;
}

/** Resolves after `ms`, or when the signal aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener("abort", done);
  });
}

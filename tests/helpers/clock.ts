import type { Clock } from "../../lib/clock.ts";

/** A clock that stands still until it is told to go on. */
export function createManualClock(start = Date.parse("2026-05-01T10:00:00Z")) {
  let now = start;
  const timers = new Set<{ at: number; run: () => void }>();
  return {
    now: () => now,
    after(ms: number, run: () => void) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    /** Moves on by `ms`, calling what falls due on the way, each followed by a turn of the event loop. */
    async advance(ms: number) {
      const end = now + ms;
      for (;;) {
        const due = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        timers.delete(due);
        now = Math.max(now, due.at);
        due.run();
        await settle();
      }
      now = end;
      await settle();
    },
  } satisfies Clock & { advance(ms: number): Promise<void> };
}

export type ManualClock = ReturnType<typeof createManualClock>;

/** Waits until something holds: I/O of an in-memory KV takes a while, but no time of the clock. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 10_000; turn++) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`it never came true: ${holds}`);
}

/** Lets what is ready to run do so. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

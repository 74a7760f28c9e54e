import type { Clock } from "../clock.ts";

/** Lets `burst` things pass at once, and `perSecond` in the long run. */
export function createAllowance(clock: Clock, burst: number, perSecond: number) {
  let left = burst;
  let at = clock.now();
  return {
    /** Whether one more may pass now. */
    take(): boolean {
      const now = clock.now();
      left = Math.min(burst, left + Math.max(0, now - at) / 1000 * perSecond);
      at = now;
      if (left < 1) return false;
      left--;
      return true;
    },
  };
}

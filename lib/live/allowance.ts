import type { Clock } from "../clock.ts";

/** Lets `burst` things pass at once, and `perSecond` in the long run. */
export function createAllowance(clock: Clock, burst: number, perSecond: number) {
  let left = burst;
  let at = clock.now();
  return {
    /** Whether one more may pass now, or something that counts as much as `cost`. */
    take(cost = 1): boolean {
      const now = clock.now();
      left = Math.min(burst, left + Math.max(0, now - at) / 1000 * perSecond);
      at = now;
      if (left < cost) return false;
      left -= cost;
      return true;
    },
  };
}

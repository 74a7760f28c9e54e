const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The pauses before the 2nd, 3rd … 10th try: the schedule that Standard Webhooks recommends. */
const PAUSES = [
  ...[5 * SECOND, 5 * MINUTE, 30 * MINUTE],
  ...[2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR],
];

/** A receiver's `Retry-After` counts up to this. */
const LONGEST = 24 * HOUR;

/** A receiver that failed for so long, without a success in between, is not asked any more. */
export const GIVE_UP_MS = 5 * 24 * HOUR;

/**
 * How long to wait (ms) after so many failed tries, at least `wished`; null when that was the last.
 * Up to a tenth is added by chance, so that what failed together does not return together.
 */
export function pauseAfter(tries: number, wished = 0): number | null {
  const pause = PAUSES[tries - 1];
  if (pause === undefined) return null;
  return Math.round(Math.max(pause, Math.min(wished, LONGEST)) * (1 + Math.random() / 10));
}

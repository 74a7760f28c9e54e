const MAX_TIME = 2 ** 48 - 1;
/** Sorts after every id. */
const AFTER_ALL = "~";

/** Ids from `from` (inclusive) until `before` (exclusive). */
export type Span = { readonly from: string; readonly before: string };

/** The ids of what was made from `from` to `to` (ms, both inclusive), and older than `before`. */
export function spanOf(times: { from?: number; to?: number }, before = AFTER_ALL): Span {
  const end = times.to === undefined ? AFTER_ALL : firstIdAt(times.to + 1);
  return {
    from: times.from === undefined ? "" : firstIdAt(times.from),
    before: end < before ? end : before,
  };
}

export function isEmpty({ from, before }: Span): boolean {
  return from >= before;
}

/** When a UUIDv7 was made, in ms since 1970 (RFC 9562, 5.7). */
export function timeOf(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Sorts before every UUIDv7 of this ms, and after all earlier ones. */
export function firstIdAt(ms: number): string {
  const hex = Math.min(Math.max(0, ms), MAX_TIME).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

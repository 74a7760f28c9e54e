/** Bits of a perceptual hash, of 64, in which pictures that look the same may differ. */
export const MAX_DISTANCE = 6;
/** Hex digits of a part: 16 of the 64 bits. */
const PART = 4;

/**
 * The terms under which a picture of this hash (16 hex digits) stands. Hashes that differ in up to
 * three bits have one of their four parts in common (the pigeonhole principle); of those that differ
 * in more, most have.
 */
export function termsOfHash(dhash: string | null): string[] {
  if (!dhash) return [];
  return Array.from(
    { length: dhash.length / PART },
    (_, at) => `alike:${at}:${dhash.slice(at * PART, (at + 1) * PART)}`,
  );
}

/** In how many bits two hashes differ. */
export function distance(one: string, other: string): number {
  let bits = BigInt(`0x${one}`) ^ BigInt(`0x${other}`);
  let count = 0;
  for (; bits; bits &= bits - 1n) count++;
  return count;
}

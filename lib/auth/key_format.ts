import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

const PREFIX = "imago_";
const RANDOM_LENGTH = 40;
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SHAPE = /^imago_[0-9A-Za-z]{38,}$/;

/** `imago_`, 40 random base62 digits, and their CRC-32 in six more: a typo is told without a look-up. */
export function makeKey(): string {
  let random = "";
  while (random.length < RANDOM_LENGTH) {
    // 248 = 4 × 62: bytes above it would favour the first digits.
    for (const byte of randomBytes(64)) if (byte < 248) random += BASE62[byte % 62];
  }
  random = random.slice(0, RANDOM_LENGTH);
  return PREFIX + random + checksum(random);
}

/** Whether a string has the shape and the checksum of an Imago key. */
export function isWellFormed(secret: string): boolean {
  if (!SHAPE.test(secret) || secret.length > 200) return false;
  const random = secret.slice(PREFIX.length, -6);
  return checksum(random) === secret.slice(-6);
}

/** What may be shown of a key: its first and last characters. */
export function hintOf(secret: string): string {
  return `${secret.slice(0, 10)}…${secret.slice(-4)}`;
}

export function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Compares two hashes in constant time. */
export function equalHashes(a: string, b: string): boolean {
  const encode = (text: string) => new TextEncoder().encode(text);
  return a.length === b.length && timingSafeEqual(encode(a), encode(b));
}

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let i = 0; i < 6; i++) {
    digits = BASE62[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

/** The rules of object keys, the same for every backend. */

/** The longest key: it still fits a file name, a KV key and an S3 key. */
export const MAX_KEY_LENGTH = 240;

const PART = /^[A-Za-z0-9._-]+$/;

/**
 * The parts of a key (`<tenant>/<image>/<name>`): at least two, each of `[A-Za-z0-9._-]` and neither
 * "." nor "..". Keys are made of ids by Imago itself, so a wrong one is a bug: a `TypeError`.
 */
export function keyParts(key: string): string[] {
  const parts = key.split("/");
  if (parts.length < 2 || key.length > MAX_KEY_LENGTH || !parts.every(isPart)) {
    throw new TypeError(`Cannot use object key ${JSON.stringify(key)}: it is not made of ids`);
  }
  return parts;
}

/** The parts of a prefix: none for "" (everything), else what stands before its final "/". */
export function prefixParts(prefix: string): string[] {
  if (prefix === "") return [];
  const parts = prefix.split("/");
  if (parts.pop() !== "" || prefix.length > MAX_KEY_LENGTH || !parts.every(isPart)) {
    throw new TypeError(`Cannot list prefix ${JSON.stringify(prefix)}: it must end with "/"`);
  }
  return parts;
}

/** Whether a key found in a backend is one of ours. */
export function isKey(key: string): boolean {
  const parts = key.split("/");
  return parts.length >= 2 && key.length <= MAX_KEY_LENGTH && parts.every(isPart);
}

function isPart(part: string): boolean {
  return PART.test(part) && part !== "." && part !== "..";
}

import { createHmac } from "node:crypto";

const LENGTH = 12;

/** What stands for a person in logs and figures; see {@link createPseudonyms}. */
export type Pseudonym = (kind: string, value: string) => string;

/**
 * Names for what identifies a person (an address, a user's name, a file's name) where it must not
 * stand itself: `address_9fKxQ…`, the start of an HMAC-SHA-256. The same thing always has the same
 * name, so what one caller does can be followed; whose it is cannot be found out without the
 * installation's secret, not by trying all addresses either.
 */
export function createPseudonyms(secret: string): Pseudonym {
  return (kind, value) => {
    const mac = createHmac("sha256", secret).update(JSON.stringify(["pseudonym", kind, value]));
    return `${kind}_${mac.digest("base64url").slice(0, LENGTH)}`;
  };
}

import { randomBytes, scrypt, type ScryptOptions, timingSafeEqual } from "node:crypto";
import { compare as compareBcrypt } from "bcryptjs";
import { Problem } from "../errors.ts";

/** log2 of N; OWASP's choice for r = 8, p = 1: 128 MB and some 0.4 s a try. */
const COST = 17;
const BLOCK = 8;
const KEY_BYTES = 32;
/** Each takes 128 MB; two at once leave the machine to others. */
const AT_ONCE = 2;
/** More than these could not be answered within half a minute. */
const MAX_WAITING = 50;
/** PHC string format: `$scrypt$ln=17,r=8,p=1$salt$hash`. */
const SCRYPT = /^\$scrypt\$ln=(\d+),r=(\d+),p=1\$([\w+/]+)\$([\w+/]+)$/;
/** A cost of more than 14 would take minutes. */
const BCRYPT = /^\$2[abxy]\$(0\d|1[0-4])\$[./\w]{53}$/;

/** Whether `createPasswords` can tell a password from this hash: one of its own, or bcrypt. */
export function isPasswordHash(hash: string): boolean {
  return SCRYPT.test(hash) || BCRYPT.test(hash);
}

/**
 * Passwords as scrypt hashes (RFC 7914) with a salt each. `cost` is log2 of N. Throws `unavailable`
 * when too many wait.
 */
export function createPasswords({ cost = COST } = {}) {
  const queue = createQueue();
  /** Of a password that nobody has. */
  const nobody = `$scrypt$ln=${cost},r=${BLOCK},p=1$${base64(randomBytes(16))}$${
    base64(randomBytes(KEY_BYTES))
  }`;

  const compareScrypt = async (password: string, stored: string) => {
    const [, ln = "", r = "", salt = "", hash = ""] = SCRYPT.exec(stored) ?? [];
    const wanted = Buffer.from(hash, "base64");
    const found = await derive(password, Buffer.from(salt, "base64"), Number(ln), Number(r));
    return found.length === wanted.length && timingSafeEqual(found, wanted);
  };

  return {
    /** What is kept of a password. */
    hash: (password: string): Promise<string> =>
      queue(async () => {
        const salt = randomBytes(16);
        const key = await derive(normal(password), salt, cost, BLOCK);
        return `$scrypt$ln=${cost},r=${BLOCK},p=1$${base64(salt)}$${base64(key)}`;
      }),

    /** Whether this is the password; it takes as long to say no where there is none (`null`). */
    matches: (password: string, stored: string | null): Promise<boolean> =>
      queue(async () => {
        if (stored && BCRYPT.test(stored)) return await compareBcrypt(password, stored);
        const same = await compareScrypt(normal(password), stored ?? nobody);
        return stored !== null && same;
      }),

    /** Whether a hash is of another kind or cost than `hash` makes now. */
    isOutdated: (stored: string): boolean => SCRYPT.exec(stored)?.[1] !== String(cost),
  };
}

export type Passwords = ReturnType<typeof createPasswords>;

/** One spelling of what looks the same, whatever keyboard it was typed on. */
function normal(password: string): string {
  return password.normalize("NFKC");
}

function derive(password: string, salt: Uint8Array, ln: number, r: number): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** ln, r, p: 1, maxmem: 2 * 128 * 2 ** ln * r };
  return new Promise((resolve, reject) =>
    scrypt(password, salt, KEY_BYTES, options, (error, key) => error ? reject(error) : resolve(key))
  );
}

function base64(bytes: Buffer): string {
  return bytes.toString("base64").replace(/=+$/, "");
}

/** Runs a few at once, the others in turn. */
function createQueue() {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (waiting.length >= MAX_WAITING) {
      throw new Problem("unavailable", "Too many sign in at once", { retryAfter: 5 });
    }
    if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { type Asked, challengesOf, createDigest, strongest } from "./digest.ts";
import type { Target } from "./targets.ts";

/** Addresses whose way of asking is remembered; the oldest is forgotten for one more. */
const MAX_KNOWN = 5_000;

/** Some cameras leave the realm out, which they must not. */
const BARE_BASIC = /(^|,)\s*basic\s*(,|$)/i;

/** A way to show user and password, as a server asked for it. */
export type Login = { prove(asked: Asked): string; isStale: boolean; worked: boolean };

/**
 * How to show user and password to servers. Nothing is sent before a server has said how it wants to
 * see them, and what can be proved (Digest) is not told (Basic). What a server wants is remembered,
 * so that not every picture of a camera is asked for twice.
 */
export function createLogins() {
  const known = new Map<string, Login>();

  // By address: the cameras of one recorder would overtake each other in counting one nonce.
  const nameOf = ({ url, credentials }: Target) => `${url.href} ${credentials}`;

  return {
    /** How the server asked last; undefined before it has asked. */
    find: (target: Target): Login | undefined => known.get(nameOf(target)),

    /**
     * Learns from an answer how the server wants to be shown the password; `shown` is what the
     * request brought. Whether it is worth to ask again: not when the server has just refused this
     * very password.
     */
    learn(target: Target, { statusCode, headers }: IncomingMessage, shown?: Login): boolean {
      if (statusCode !== 401 || !target.credentials) {
        if (shown) shown.worked = true;
        return false;
      }
      const name = nameOf(target);
      const current = known.get(name);
      // Another request was refused as well, and has learnt in the meantime.
      if (current && current !== shown) return true;
      known.delete(name);
      const login = loginFor(target.credentials, headers["www-authenticate"] ?? "");
      // A nonce ends some day; servers that do not call it stale have taken the password before.
      if (!login || (shown && !shown.worked && !login.isStale)) return false;
      known.set(name, login);
      const [oldest] = known.keys();
      if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
      return true;
    },
  };
}

/** How a server that asks in this way is shown user and password; null where none is understood. */
function loginFor(credentials: string, header: string): Login | null {
  const challenges = challengesOf(header);
  const digest = strongest(challenges);
  const [user = "", password = ""] = credentials.split(/:(.*)/s);
  if (digest) {
    const isStale = digest.words.stale?.toLowerCase() === "true";
    return { ...createDigest(digest, { user, password }), isStale, worked: false };
  }
  // Who offers Digest in a way that is unknown here is not told the password instead.
  if (challenges.some(({ scheme }) => scheme === "digest")) return null;
  if (!BARE_BASIC.test(header) && !challenges.some(({ scheme }) => scheme === "basic")) return null;
  const basic = `Basic ${Buffer.from(credentials).toString("base64")}`;
  return { prove: () => basic, isStale: false, worked: false };
}

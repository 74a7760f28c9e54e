import { createHash } from "node:crypto";

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

/**
 * Checks requests of `viewer` by Digest as a strict camera does: each challenge has a nonce of its
 * own, whose `nc` must grow. It would take Basic, too, and notes in `told` who sent it.
 */
export function createDigestCamera(password = "se:cret") {
  const counts = new Map<string, number>();
  const told: string[] = [];
  let made = 0;

  function challenge(): string {
    const nonce = `nonce ${++made}`;
    counts.set(nonce, 0);
    return `Digest realm="cam", nonce="${nonce}", qop="auth", Basic realm="cam"`;
  }

  return {
    /** Passwords that were sent as Basic. */
    told,
    /** No nonce of before counts any more; the camera does not say that they are stale. */
    forget: () => counts.clear(),
    /** The challenge for a request that it does not let in; "" for one that it does. */
    refuse({ headers, method, url }: Request): string {
      const authorization = headers.get("Authorization") ?? "";
      if (authorization.startsWith("Basic ")) told.push(authorization);
      const { pathname, search } = new URL(url);
      const word = (name: string) =>
        new RegExp(`\\b${name}="?([^",]*)`).exec(authorization)?.[1] ?? "";
      const nonce = word("nonce");
      const known = md5(`viewer:cam:${password}`);
      const request = md5(`${method}:${pathname}${search}`);
      const wanted = md5(`${known}:${nonce}:${word("nc")}:${word("cnonce")}:auth:${request}`);
      const last = counts.get(nonce);
      const count = parseInt(word("nc"), 16);
      if (word("response") !== wanted || last === undefined || count <= last) return challenge();
      counts.set(nonce, count);
      return "";
    },
  };
}

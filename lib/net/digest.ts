import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";

/** What a server wants to see before it answers: its scheme, in lower case, and the scheme's words. */
export type Challenge = { scheme: string; words: Record<string, string> };

/** What a request is, as its proof says. */
export type Asked = { method: string; uri: string };

/** Longer headers are cut: no challenge needs as much. */
const MAX_HEADER = 4_096;
/** From a word's beginning alone: a long word is not tried again from each of its letters. */
const CHALLENGE =
  /(?<![^\s,])([\w-]+)\s+((?:[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s,"]+)\s*,?\s*)+)/g;
const WORD = /([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g;

/** RFC 7616's algorithms, the best first, as Node calls them. */
const HASHES = [["SHA-256", "sha256"], ["MD5", "md5"]] as const;

/** The challenges of a `WWW-Authenticate` header, or of several joined by commas (RFC 9110, 11.6.1). */
export function challengesOf(header: string): Challenge[] {
  return Array.from(
    header.slice(0, MAX_HEADER).matchAll(CHALLENGE),
    ([, scheme = "", rest = ""]) => {
      const words = Array.from(
        rest.matchAll(WORD),
        ([, name = "", quoted, plain]) =>
          [name.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? plain ?? ""] as const,
      );
      return { scheme: scheme.toLowerCase(), words: Object.fromEntries(words) };
    },
  );
}

/** The strongest Digest among them that is understood here; undefined where there is none. */
export function strongest(challenges: readonly Challenge[]): Challenge | undefined {
  const digests = challenges.filter(({ scheme, words }) =>
    scheme === "digest" && words.nonce !== undefined && hashOf(words) && qopOf(words) !== null
  );
  return digests.toSorted((a, b) => strength(a) - strength(b))[0];
}

/**
 * Proves to know a password without sending it: HTTP Digest (RFC 7616, and RFC 2617 before it), with
 * MD5 or SHA-256, of a session or not, and `qop=auth` or none. A nonce serves many requests, which
 * `nc` counts. User and password count as UTF-8, the server's words as the bytes that it sent.
 */
export function createDigest(
  { words }: Challenge,
  login: { user: string; password: string },
  makeNonce = () => randomBytes(16).toString("hex"),
) {
  const [user, password] = [bytesOf(login.user), bytesOf(login.password)];
  const { realm = "", nonce = "", opaque, algorithm } = words;
  const [hash, isSession] = [hashOf(words)!, /-sess$/i.test(algorithm ?? "")];
  const qop = qopOf(words);
  const digest = (...parts: string[]) =>
    createHash(hash).update(parts.join(":"), "latin1").digest("hex");
  // A session's secret is made of its first request's: servers may keep it.
  const sessionNonce = makeNonce();
  let count = 0;

  return {
    /** The `Authorization` of one request. */
    prove({ method, uri }: Asked): string {
      const nc = (++count).toString(16).padStart(8, "0");
      const cnonce = isSession ? sessionNonce : makeNonce();
      const known = digest(user, realm, password);
      const secret = isSession ? digest(known, nonce, cnonce) : known;
      const request = digest(method, uri);
      const response = qop
        ? digest(secret, nonce, nc, cnonce, qop, request)
        : digest(secret, nonce, request);
      const name = words.userhash?.toLowerCase() === "true" ? digest(user, realm) : user;
      const told = [
        ...[`username=${quote(name)}`, `realm=${quote(realm)}`, `nonce=${quote(nonce)}`],
        ...[`uri=${quote(uri)}`, `response="${response}"`],
        ...(algorithm ? [`algorithm=${algorithm}`] : []),
        ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
        ...(qop ? [`qop=${qop}`, `nc=${nc}`] : []),
        ...(qop || isSession ? [`cnonce="${cnonce}"`] : []),
        ...(words.userhash ? [`userhash=${words.userhash}`] : []),
      ];
      return `Digest ${told.join(", ")}`;
    },
  };
}

function hashOf({ algorithm = "MD5" }: Challenge["words"]): string | undefined {
  const plain = algorithm.replace(/-sess$/i, "").toUpperCase();
  return HASHES.find(([name]) => name === plain)?.[1];
}

/** "auth", or "" for servers of before RFC 2617; null where only the unknown is offered. */
function qopOf({ qop }: Challenge["words"]): "auth" | "" | null {
  if (qop === undefined) return "";
  return qop.toLowerCase().split(/\s*,\s*/).includes("auth") ? "auth" : null;
}

function strength({ words }: Challenge): number {
  return HASHES.findIndex(([, hash]) => hash === hashOf(words));
}

/** A text's UTF-8 as headers carry bytes: one character each. */
function bytesOf(text: string): string {
  return Buffer.from(text).toString("latin1");
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

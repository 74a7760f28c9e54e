import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import type { z } from "zod";
import { Problem } from "./errors.ts";

const MAX_TOKEN_LENGTH = 4096;

type Options<T> = {
  /** The first one seals, each is accepted. */
  secrets: readonly string[];
  /** Keeps these signatures apart from any other use of the same secret. */
  context: string;
  fields: z.ZodType<T>;
};

/**
 * Values that travel through strangers' hands unchanged, readable by all:
 * `base64url(JSON).base64url(HMAC-SHA-256)`.
 */
export function createSeals<T>({ secrets, context, fields }: Options<T>) {
  const [current] = secrets;
  if (!current) throw new TypeError("Cannot sign without a secret");

  /** The MAC covers the encoded payload, in which no two values look alike. */
  const mac = (secret: string, payload: string) =>
    createHmac("sha256", secret).update(context).update(payload).digest();

  const matches = (secret: string, payload: string, signature: Buffer) => {
    const expected = mac(secret, payload);
    return signature.length === expected.length && timingSafeEqual(expected, signature);
  };

  return {
    /** The token; a `ZodError` for a value that could not be opened again. */
    seal(value: T): string {
      const payload = Buffer.from(JSON.stringify(fields.parse(value))).toString("base64url");
      return `${payload}.${mac(current, payload).toString("base64url")}`;
    },

    /** What was sealed; `forbidden` when it was not sealed here. */
    open(token: string): T {
      const [payload, signature] = split(token);
      if (!secrets.map((secret) => matches(secret, payload, signature)).includes(true)) {
        throw forbidden();
      }
      return fields.parse(JSON.parse(decode(payload).toString("utf8")));
    },
  };
}

function split(token: string): [payload: string, signature: Buffer] {
  const parts = token.length > MAX_TOKEN_LENGTH ? [] : token.split(".");
  const [payload, signature] = parts;
  if (parts.length !== 2 || !payload || !signature) throw forbidden();
  return [payload, decode(signature)];
}

/**
 * Strict base64url: what does not encode back to itself (padding, the other alphabet, stray bits at
 * the end) is refused, so that one signature has one spelling.
 */
function decode(text: string): Buffer {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) throw forbidden();
  return bytes;
}

function forbidden(): Problem {
  return new Problem("forbidden", "Cannot accept this link: its signature is not valid");
}

import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { Problem } from "../errors.ts";

const MAX_TOKEN_LENGTH = 4096;
/** Keeps these signatures apart from any other use of the same secret. */
const CONTEXT = "imago signed file v1\n";

const Fields = z.tuple([
  z.string().min(1), // tenant
  z.string().min(1), // key
  z.int().nonnegative(), // expiry, seconds since 1970
  z.string(), // filename
  z.string(), // mime
  z.enum(["inline", "attachment"]),
]);

/** What a signed token allows: reading one object, under one name, until a moment. */
export type SignedFile = {
  tenant: string;
  /** Begins with the tenant. */
  key: string;
  /** Precise to the second; rounded down. */
  expiresAt: Date;
  filename: string;
  mime: string;
  disposition: "inline" | "attachment";
};

export type SignedUrls = ReturnType<typeof createSignedUrls>;

/**
 * Tokens for `/files/signed/{token}`: `base64url(JSON array).base64url(HMAC-SHA-256)`. The first
 * secret signs, every one is accepted, so a secret is rotated by putting a new one in front and
 * dropping the old one once its longest link has expired.
 */
export function createSignedUrls(
  { secrets, now = Date.now }: { secrets: readonly string[]; now?: () => number },
) {
  const [current] = secrets;
  if (!current) throw new TypeError("Cannot sign without a secret");

  return {
    /** The token; a `ZodError` or `TypeError` for fields that could not be verified again. */
    sign(file: SignedFile): string {
      const payload = Buffer.from(JSON.stringify(toFields(file))).toString("base64url");
      return `${payload}.${mac(current, payload).toString("base64url")}`;
    },
    /** What the token allows; `forbidden` when it was not signed here, `gone` when it has expired. */
    verify(token: string): SignedFile {
      const [payload, signature] = split(token);
      if (!secrets.map((secret) => matches(secret, payload, signature)).includes(true)) {
        throw forbidden();
      }
      const file = fromFields(Fields.parse(JSON.parse(decode(payload).toString("utf8"))));
      if (file.expiresAt.getTime() <= now()) throw new Problem("gone", "The link has expired");
      return file;
    },
  };
}

function toFields(file: SignedFile): z.infer<typeof Fields> {
  if (!file.key.startsWith(`${file.tenant}/`)) {
    throw new TypeError(`Cannot sign ${file.key}: it is not of tenant ${file.tenant}`);
  }
  const expiry = Math.floor(file.expiresAt.getTime() / 1000);
  const { tenant, key, mime, disposition } = file;
  return Fields.parse([tenant, key, expiry, file.filename.toWellFormed(), mime, disposition]);
}

function fromFields(fields: z.infer<typeof Fields>): SignedFile {
  const [tenant, key, expiry, filename, mime, disposition] = fields;
  return { tenant, key, expiresAt: new Date(expiry * 1000), filename, mime, disposition };
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

/** The MAC covers the encoded payload, in which no two lists of fields look alike. */
function mac(secret: string, payload: string): Buffer {
  return createHmac("sha256", secret).update(CONTEXT).update(payload).digest();
}

function matches(secret: string, payload: string, signature: Buffer): boolean {
  const expected = mac(secret, payload);
  return signature.length === expected.length && timingSafeEqual(expected, signature);
}

function forbidden(): Problem {
  return new Problem("forbidden", "Cannot accept this link: its signature is not valid");
}

import { z } from "zod";
import { Problem } from "../errors.ts";
import { createSeals } from "../seals.ts";

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
  const seals = createSeals({ secrets, context: CONTEXT, fields: Fields });

  return {
    /** The token; a `ZodError` or `TypeError` for fields that could not be verified again. */
    sign: (file: SignedFile): string => seals.seal(toFields(file)),
    /** What the token allows; `forbidden` when it was not signed here, `gone` when it has expired. */
    verify(token: string): SignedFile {
      const file = fromFields(seals.open(token));
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
  return [tenant, key, expiry, file.filename.toWellFormed(), mime, disposition];
}

function fromFields(fields: z.infer<typeof Fields>): SignedFile {
  const [tenant, key, expiry, filename, mime, disposition] = fields;
  return { tenant, key, expiresAt: new Date(expiry * 1000), filename, mime, disposition };
}

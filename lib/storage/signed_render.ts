import { z } from "zod";
import { Problem } from "../errors.ts";
import { Transform } from "../model/transform.ts";
import { createSeals } from "../seals.ts";

const CONTEXT = "imago signed render v1\n";
const { width, height, fit, format, quality } = Transform.shape;

const Fields = z.tuple([
  z.string().min(1), // tenant
  z.string().min(1), // image
  z.int().nonnegative(), // expiry, seconds since 1970
  width,
  height,
  fit,
  format,
  quality,
]);

/** What a signed token allows: one picture made of one image, until a moment. */
export type SignedRender = {
  tenant: string;
  image: string;
  transform: Transform;
  /** Precise to the second; rounded down. */
  expiresAt: Date;
};

/**
 * Tokens for `/files/signed/render/{token}`, of the same make as those of files. A transform has one
 * spelling, so a link allows exactly the picture that it was made for.
 */
export function createSignedRenders(
  { secrets, now = Date.now }: { secrets: readonly string[]; now?: () => number },
) {
  const seals = createSeals({ secrets, context: CONTEXT, fields: Fields });

  return {
    sign({ tenant, image, transform, expiresAt }: SignedRender): string {
      const { width, height, fit, format, quality } = transform;
      const expiry = Math.floor(expiresAt.getTime() / 1000);
      return seals.seal([tenant, image, expiry, width, height, fit, format, quality]);
    },

    /** What the token allows; `forbidden` when it was not signed here, `gone` when it has expired. */
    verify(token: string): SignedRender {
      const [tenant, image, expiry, width, height, fit, format, quality] = seals.open(token);
      const expiresAt = new Date(expiry * 1000);
      if (expiresAt.getTime() <= now()) throw new Problem("gone", "The link has expired");
      return { tenant, image, expiresAt, transform: { width, height, fit, format, quality } };
    },
  };
}

export type SignedRenders = ReturnType<typeof createSignedRenders>;

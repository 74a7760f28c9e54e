import type { Clock } from "./clock.ts";
import type { ImageRow, RenditionName } from "./model/image.ts";
import type { SignedUrls } from "./storage/signed_url.ts";

const DAY_S = 24 * 60 * 60;

type Deps = { signedUrls: SignedUrls; clock: Clock; publicUrl: string | undefined };

/** Links to bytes that need no key: signed, and good until a moment. */
export function createLinks({ signedUrls, clock, publicUrl }: Deps) {
  const link = (
    origin: string,
    row: ImageRow,
    name: "original" | RenditionName,
    expiresAt: number,
  ) => {
    const rendition = name === "original" ? null : row.renditions[name];
    const key = name === "original" ? row.original : rendition?.key;
    if (!key) return null;
    const token = signedUrls.sign({
      tenant: row.tenant,
      key,
      expiresAt: new Date(expiresAt),
      filename: name === "original" ? row.original_name : `${name}.jpg`,
      mime: name === "original" ? row.mime_type : "image/jpeg",
      disposition: name === "original" ? "attachment" : "inline",
    });
    return `${publicUrl?.replace(/\/$/, "") ?? origin}/files/signed/${token}`;
  };

  return {
    /** A link that lives `seconds`; null when the rendition does not exist (yet). */
    file(origin: string, row: ImageRow, name: "original" | RenditionName, seconds: number) {
      const expiresAt = clock.now() + seconds * 1000;
      const url = link(origin, row, name, expiresAt);
      return url ? { url, expires_at: new Date(expiresAt).toISOString() } : null;
    },

    /** A thumbnail's link for lists: the same all day long, so that browsers can keep the picture. */
    thumbnail(origin: string, row: ImageRow): string | null {
      const today = Math.floor(clock.now() / 1000 / DAY_S);
      return link(origin, row, "small", (today + 2) * DAY_S * 1000);
    },
  };
}

export type Links = ReturnType<typeof createLinks>;

import type { Clock } from "./clock.ts";
import type { ImageRow, RenditionName } from "./model/image.ts";
import type { Transform } from "./model/transform.ts";
import type { SignedRenders } from "./storage/signed_render.ts";
import type { SignedUrls } from "./storage/signed_url.ts";

const DAY_S = 24 * 60 * 60;

type Deps = {
  signedUrls: SignedUrls;
  signedRenders: SignedRenders;
  clock: Clock;
  publicUrl: string | undefined;
};

/** Links to bytes that need no key: signed, and good until a moment. */
export function createLinks({ signedUrls, signedRenders, clock, publicUrl }: Deps) {
  /** The address of a path as the world reaches it. */
  const absolute = (origin: string, path: string) =>
    `${publicUrl?.replace(/\/$/, "") ?? origin}${path}`;

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
    return absolute(origin, `/files/signed/${token}`);
  };

  return {
    absolute,

    /** A link that lives `seconds`; null when the rendition does not exist (yet). */
    file(origin: string, row: ImageRow, name: "original" | RenditionName, seconds: number) {
      const expiresAt = clock.now() + seconds * 1000;
      const url = link(origin, row, name, expiresAt);
      return url ? { url, expires_at: new Date(expiresAt).toISOString() } : null;
    },

    /** A link to a picture that is made of an image when it is asked for. */
    render(origin: string, tenant: string, image: string, transform: Transform, seconds: number) {
      const expiresAt = new Date(clock.now() + seconds * 1000);
      const token = signedRenders.sign({ tenant, image, transform, expiresAt });
      const url = absolute(origin, `/files/signed/render/${token}`);
      return { url, expires_at: expiresAt.toISOString() };
    },

    /** A thumbnail's link for lists: the same all day long, so that browsers can keep the picture. */
    thumbnail(origin: string, row: ImageRow): string | null {
      const today = Math.floor(clock.now() / 1000 / DAY_S);
      return link(origin, row, "small", (today + 2) * DAY_S * 1000);
    },
  };
}

export type Links = ReturnType<typeof createLinks>;

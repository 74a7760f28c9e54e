import { z } from "zod";
import type { Clock } from "./clock.ts";
import { Problem } from "./errors.ts";
import type { DraftPhoto } from "./model/draft.ts";
import type { ImageRow, RenditionName } from "./model/image.ts";
import type { Transform } from "./model/transform.ts";
import { createSeals } from "./seals.ts";
import type { SignedRenders } from "./storage/signed_render.ts";
import type { SignedUrls } from "./storage/signed_url.ts";

const DAY_S = 24 * 60 * 60;

const RECEIPT_CONTEXT = "imago receipt v1\n";

/** Days that a shop photo's link lives at least. */
const PHOTO_DAYS = 7;

type Deps = {
  signedUrls: SignedUrls;
  signedRenders: SignedRenders;
  /** Sign the links to receipts: the first one signs, each is accepted. */
  secrets: readonly string[];
  clock: Clock;
  publicUrl: string | undefined;
  /** What stands before a shop photo's name. */
  mediaBaseUrl: string;
};

/** Links to bytes that need no key: signed, and good until a moment. */
export function createLinks(deps: Deps) {
  const { signedUrls, signedRenders, clock, publicUrl, mediaBaseUrl } = deps;
  const receipts = createSeals({
    secrets: deps.secrets,
    context: RECEIPT_CONTEXT,
    fields: z.tuple([z.uuid()]),
  });

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

    /**
     * A shop photo's link, good for seven days and what is left of this one: the same all day long,
     * so that browsers can keep the photo.
     */
    photo(tenant: string, { sha256, mime }: Pick<DraftPhoto, "sha256" | "mime">): string {
      const today = Math.floor(clock.now() / 1000 / DAY_S);
      const signature = signedUrls.sign({
        tenant,
        key: photoKey(tenant, sha256),
        expiresAt: new Date((today + 1 + PHOTO_DAYS) * DAY_S * 1000),
        filename: "",
        mime,
        disposition: "inline",
      });
      return `${mediaBaseUrl}/${sha256}.jpg?signature=${signature}`;
    },

    /** A link to the receipt of a tenant's erasure, for whoever has no key any more: it does not expire. */
    receipt(origin: string, tenant: string): string {
      return absolute(origin, `/privacy/receipts/${receipts.seal([tenant])}`);
    },

    /** Whose erasure a receipt's token is of; `forbidden` when it was not signed here. */
    erasedBy(token: string): string {
      const [tenant] = receipts.open(token);
      return tenant;
    },

    /** Whose photo a link shows; `forbidden` for another one's signature, `gone` for an old one. */
    ownerOf(sha256: string, signature: string): string {
      const { tenant, key } = signedUrls.verify(signature);
      if (key === photoKey(tenant, sha256)) return tenant;
      throw new Problem("forbidden", "Cannot accept this link: its signature is of another file");
    },
  };
}

export type Links = ReturnType<typeof createLinks>;

/** What a photo's signature names. No object stands there: it outlives the photo's bytes. */
function photoKey(tenant: string, sha256: string): string {
  return `${tenant}/media/${sha256}`;
}

import { type Clock, timestamp } from "./clock.ts";
import type { Database, Transaction } from "./kv.ts";
import type { Media } from "./model/draft.ts";
import type { Tenant } from "./model/tenant.ts";
import type { Quotas } from "./quotas.ts";
import type { Storage } from "./storage/storage.ts";
import { tables } from "./tables.ts";

/** A shop photo whose bytes stand in storage, and whose record may have to be made yet. */
export type NewPhoto = Pick<Media, "id" | "key" | "sha256" | "width" | "height" | "size_bytes">;

type Deps = { db: Database; storage: Storage; clock: Clock; quotas: Quotas };

/**
 * Shop photos of a tenant: stored and charged once per content, for as long as a draft shows them.
 * The only code that writes their records. A photo that goes and comes again gets other bytes in
 * storage, so that deleting the old ones can never hit the new.
 */
export function createMedia({ db, storage, clock, quotas }: Deps) {
  const find = (tenant: string, sha256: string) => db.get(tables.media.key(tenant, sha256));

  return {
    find,

    /**
     * Counts one more draft that shows a photo, within `tx`, and charges it when it is the first.
     * The record's `key` tells whether the given bytes are needed. Throws `quota_exceeded`.
     */
    async hold(tx: Transaction, owner: Tenant, photo: NewPhoto): Promise<Media> {
      const place = tables.media.key(owner.id, photo.sha256);
      const known = await tx.get(place);
      if (!known) await quotas.charge(tx, owner, photo.size_bytes, 0);
      const media: Media = known ? { ...known, references: known.references + 1 } : {
        ...photo,
        tenant: owner.id,
        mime: "image/jpeg",
        references: 1,
        created_at: timestamp(clock.now()),
      };
      tx.set(place, media);
      return media;
    },

    /** Counts one draft less, within `tx`; gives the key of the bytes to delete after the last. */
    async letGo(tx: Transaction, tenant: string, sha256: string): Promise<string | null> {
      const place = tables.media.key(tenant, sha256);
      const media = await tx.get(place);
      if (!media) return null;
      if (media.references > 1) {
        tx.set(place, { ...media, references: media.references - 1 });
        return null;
      }
      tx.delete(place);
      await quotas.release(tx, tenant, media.size_bytes, 0);
      return media.key;
    },

    /** The JPEG; null when it is gone. */
    async read(tenant: string, sha256: string): Promise<Uint8Array | null> {
      const media = await find(tenant, sha256);
      const stored = media && await storage.get(media.key);
      return stored && await new Response(stored.body).bytes();
    },
  };
}

export type MediaStore = ReturnType<typeof createMedia>;

/** Where a photo's bytes stand: `shaOf` of the last part finds its record. */
export function mediaKey(tenant: string, id: string, sha256: string): string {
  return `${tenant}/${id}/${sha256}.jpg`;
}

/** The SHA-256 that a photo's file name holds. */
export function shaOf(name: string): string {
  return name.replace(/\.jpg$/, "");
}

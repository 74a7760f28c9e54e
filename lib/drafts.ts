import { type Clock, timestamp } from "./clock.ts";
import { Problem } from "./errors.ts";
import { type Database, newestFirst, newestKeys, type Transaction } from "./kv.ts";
import type { Locks } from "./locks.ts";
import type { MediaStore, NewPhoto } from "./media.ts";
import type { DraftPatch, DraftPhoto, DraftRow, DraftStatus, Media } from "./model/draft.ts";
import type { Storage } from "./storage/storage.ts";
import { tables } from "./tables.ts";

type Deps = { db: Database; storage: Storage; clock: Clock; locks: Locks; media: MediaStore };

/** Looks at the record that is about to change; what it throws refuses the change. */
export type Check = (row: DraftRow) => void;

/** Listings of a tenant, from draft to published. The only code that writes their records. */
export function createDrafts({ db, storage, clock, locks, media }: Deps) {
  /** Changes a draft in one transaction; photos that nothing shows any more go with it. */
  const change = async (
    tenant: string,
    id: string,
    check: Check,
    next: (before: DraftRow) => Partial<DraftRow> | null,
  ): Promise<DraftRow> => {
    const { row, freed } = await locks.run(tenant, () =>
      db.transact(async (tx) => {
        const before = refuseUnlessFound(await tx.get(tables.drafts.key(tenant, id)), id);
        check(before);
        const changes = next(before);
        tx.delete(tables.draftsByStatus.key(tenant, before.status, id));
        if (!changes) tx.delete(tables.drafts.key(tenant, id));
        const row = { ...before, ...changes, version: before.version + 1 };
        row.updated_at = timestamp(clock.now());
        if (changes) write(tx, row);
        return { row, freed: await letGo(tx, before, changes ? row.photos : []) };
      }));
    await Promise.all(freed.map((key) => storage.delete(key)));
    return row;
  };

  const write = (tx: Transaction, row: DraftRow) => {
    if (row.status === "published") refuseIncomplete(row);
    tx.set(tables.drafts.key(row.tenant, row.id), row);
    tx.set(tables.draftsByStatus.key(row.tenant, row.status, row.id), true);
  };

  /** Lets go of what a draft no longer shows; gives the keys of bytes to delete. */
  const letGo = async (tx: Transaction, before: DraftRow, kept: DraftPhoto[]) => {
    const shown = new Set(kept.map(({ sha256 }) => sha256));
    const dropped = new Set(
      before.photos.map(({ sha256 }) => sha256).filter((sha256) => !shown.has(sha256)),
    );
    const freed: string[] = [];
    for (const sha256 of dropped) {
      const key = await media.letGo(tx, before.tenant, sha256);
      if (key) freed.push(key);
    }
    return freed;
  };

  return {
    /**
     * Makes a draft of photos whose bytes stand in storage, all or nothing. `used` are the keys of
     * the bytes that its photos have: not the given ones where the tenant had the photo already.
     * Throws `quota_exceeded`.
     */
    add(
      tenant: string,
      { id, title }: { id: string; title: string },
      photos: NewPhoto[],
    ): Promise<{ row: DraftRow; used: string[] }> {
      return locks.run(tenant, () =>
        db.transact(async (tx) => {
          const owner = await tx.get(tables.tenants.key(tenant));
          if (!owner?.active) throw new Problem("unauthorized", "The client is deactivated");
          const held = new Map<string, Media>();
          for (const photo of photos) {
            if (held.has(photo.sha256)) continue;
            held.set(photo.sha256, await media.hold(tx, owner, photo));
          }
          const row: DraftRow = {
            ...{ id, tenant, version: 1, title, description: "", price_suggested: null },
            status: "draft",
            photos: photos.map(({ sha256 }) => photoOf(held.get(sha256)!)),
            created_at: timestamp(clock.now()),
            updated_at: timestamp(clock.now()),
          };
          write(tx, row);
          return { row, used: [...held.values()].map(({ key }) => key) };
        }));
    },

    /** One draft, or a `not_found` problem. */
    async get(tenant: string, id: string): Promise<DraftRow> {
      return refuseUnlessFound(await db.get(tables.drafts.key(tenant, id)), id);
    },

    /** Some drafts, newest first; `before` is where the page before ended. */
    async list(
      tenant: string,
      status: DraftStatus | null,
      limit: number,
      before?: string,
    ): Promise<DraftRow[]> {
      if (!status) return newestFirst(db, tables.drafts.prefix(tenant), limit, before);
      const ids = await newestKeys(
        db,
        tables.draftsByStatus.prefix(tenant, status),
        limit,
        before,
      );
      const rows = await Promise.all(ids.map((id) => db.get(tables.drafts.key(tenant, id))));
      return rows.filter((row) => row !== null);
    },

    /** `photos` puts the draft's own in another order, or leaves some out. */
    patch(
      tenant: string,
      id: string,
      { photos, ...patch }: DraftPatch,
      check: Check = () => {},
    ): Promise<DraftRow> {
      return change(tenant, id, check, (before) => ({
        ...patch,
        ...(photos && { photos: arranged(before, photos) }),
      }));
    },

    /** `invalid_request` without a title or a photo; publishing again changes nothing. */
    publish(tenant: string, id: string, check: Check = () => {}): Promise<DraftRow> {
      return change(tenant, id, check, () => ({ status: "published" }));
    },

    /** Deletes a draft, and the photos that no other one shows. */
    async remove(tenant: string, id: string, check: Check = () => {}): Promise<void> {
      await change(tenant, id, check, () => null);
    },
  };
}

export type Drafts = ReturnType<typeof createDrafts>;

function photoOf({ id, sha256, mime, width, height }: Media): DraftPhoto {
  return { id, sha256, mime, width, height };
}

/** The draft's photos in the order of `ids`, each at most as often as the draft has it. */
function arranged({ photos }: DraftRow, ids: string[]): DraftPhoto[] {
  const left = [...photos];
  return ids.map((id) => {
    const at = left.findIndex((photo) => photo.id === id);
    if (at < 0) throw new Problem("invalid_content", `The listing has no (further) photo "${id}"`);
    return left.splice(at, 1)[0]!;
  });
}

function refuseUnlessFound(row: DraftRow | null, id: string): DraftRow {
  if (!row) throw new Problem("not_found", `Cannot find listing "${id}"`);
  return row;
}

function refuseIncomplete({ title, photos }: DraftRow): void {
  if (title && photos.length) return;
  const missing = title ? "photo" : "title";
  throw new Problem("invalid_request", `Cannot publish a listing without a ${missing}`);
}

import type { Events } from "./events.ts";
import { Problem } from "./errors.ts";
import type { Images } from "./images.ts";
import { type Database, keysIn } from "./kv.ts";
import type { CameraRow } from "./model/camera.ts";
import { firstIdAt } from "./search/span.ts";
import { termOfCameraImages } from "./search/terms.ts";
import { tables } from "./tables.ts";
import type { Tenants } from "./tenants.ts";

/** Part of a camera's quota that comes in before it is looked again which pictures must go. */
const TRIM_SHARE = 1 / 16;

type Deps = {
  db: Database;
  images: Pick<Images, "add" | "get" | "remove">;
  events: Pick<Events, "holds">;
  tenants: Pick<Tenants, "get">;
  /** Bytes of pictures that a camera keeps, but for those of events. */
  quotaBytes: number;
};

export type CameraFrames = ReturnType<typeof createCameraFrames>;

/** Pictures of cameras that are kept: ordinary images of the tenant, for a while only. */
export function createCameraFrames({ db, images, events, tenants, quotaBytes }: Deps) {
  /** Bytes that each camera keeps since it was trimmed; unknown until it was once. */
  const untrimmed = new Map<string, number>();

  const removeUnlessHeld = async (tenant: string, id: string): Promise<boolean> => {
    if (await events.holds(tenant, id)) return false;
    try {
      await images.remove(tenant, id);
      return true;
    } catch (error) {
      if (error instanceof Problem && error.code === "not_found") return false;
      throw error;
    }
  };

  /** A camera's kept pictures, oldest first, up to `before` (an id). */
  async function* idsOf(tenant: string, term: string, before?: string) {
    const start = tables.imagesBy.prefix(tenant, term);
    const range = before
      ? { start, end: tables.imagesBy.key(tenant, term, before) }
      : { prefix: start };
    for await (const key of keysIn(db, range)) yield String(key[3]);
  }

  /** The terms of all cameras that have pictures, deleted ones too: one look at the index each. */
  async function* termsOf(tenant: string) {
    const [first, last] = [termOfCameraImages(""), termOfCameraImages("~")];
    for (let from = first;;) {
      const start = tables.imagesBy.prefix(tenant, from);
      const end = tables.imagesBy.prefix(tenant, last);
      const { value } = await db.list({ start, end }, { limit: 1 }).next();
      if (!value) return;
      const term = String(value.key[2]);
      yield term;
      from = `${term}\0`;
    }
  }

  return {
    /** Takes a picture in; its id. Throws what `Images.add` throws, `quota_exceeded` for one. */
    async keep({ tenant, id, name }: CameraRow, jpeg: Uint8Array, at: string): Promise<string> {
      const file = {
        name: `${name} ${at.slice(0, 19).replace("T", " ")}.jpg`,
        body: ReadableStream.from([jpeg]),
        cameraId: id,
      };
      const { id: image } = await images.add(await tenants.get(tenant), file);
      untrimmed.set(id, (untrimmed.get(id) ?? Infinity) + jpeg.length);
      return image;
    },

    /**
     * Deletes a camera's oldest pictures beyond its quota, but for those of events, once enough has
     * come in: looking for them costs as much as there are.
     */
    async trim({ tenant, id }: Pick<CameraRow, "tenant" | "id">): Promise<void> {
      if ((untrimmed.get(id) ?? Infinity) < quotaBytes * TRIM_SHARE) return;
      untrimmed.set(id, 0);
      const term = termOfCameraImages(id);
      const kept: { id: string; bytes: number }[] = [];
      for await (const image of idsOf(tenant, term)) {
        const row = await db.get(tables.images.key(tenant, image));
        if (row) kept.push({ id: image, bytes: row.size_bytes });
      }
      let bytes = kept.reduce((sum, each) => sum + each.bytes, 0);
      for (const each of kept) {
        if (bytes <= quotaBytes) return;
        if (await removeUnlessHeld(tenant, each.id)) bytes -= each.bytes;
      }
    },

    /** Deletes pictures from before `before` (ms since 1970), but for those of events. */
    async purge(tenant: string, before: number): Promise<number> {
      let purged = 0;
      for await (const term of termsOf(tenant)) {
        for await (const id of idsOf(tenant, term, firstIdAt(before))) {
          if (await removeUnlessHeld(tenant, id)) purged++;
        }
      }
      return purged;
    },
  };
}

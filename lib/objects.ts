import { objectsOf } from "./images.ts";
import type { Database } from "./kv.ts";
import type { ImageRow } from "./model/image.ts";
import { tables } from "./tables.ts";

/** An object that a record names. `sha256` and `size` are null where no record tells them. */
export type NamedObject = { key: string; size: number | null; sha256: string | null };

/** Every object in storage that the records name, of one tenant or of all. */
export async function* objectsNamed(db: Database, tenant?: string): AsyncGenerator<NamedObject> {
  const prefix = tenant ? tables.images.prefix(tenant) : tables.images.prefix();
  for await (const { value: image } of db.list<ImageRow>({ prefix })) {
    const variants = await db.get(tables.variants.key(image.tenant, image.id)) ?? {};
    const made = [...Object.values(image.renditions), ...Object.values(variants)];
    const sizes = new Map(made.map(({ key, size_bytes }) => [key, size_bytes]));
    for (const key of objectsOf(image, variants)) {
      yield key === image.original
        ? { key, size: image.size_bytes, sha256: image.sha256 }
        : { key, size: sizes.get(key) ?? null, sha256: null };
    }
  }
}

/** Whether a record names this object. */
export async function isNamed(db: Database, key: string): Promise<boolean> {
  const [tenant, image] = key.split("/");
  if (!tenant || !image) return false;
  const [row, variants] = await Promise.all([
    db.get(tables.images.key(tenant, image)),
    db.get(tables.variants.key(tenant, image)),
  ]);
  return row !== null && objectsOf(row, variants ?? {}).includes(key);
}

import { objectsOf } from "./images.ts";
import type { Database } from "./kv.ts";
import { shaOf } from "./media.ts";
import type { Media } from "./model/draft.ts";
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
  const photos = tenant ? tables.media.prefix(tenant) : tables.media.prefix();
  for await (const { value: { key, size_bytes, sha256 } } of db.list<Media>({ prefix: photos })) {
    yield { key, size: size_bytes, sha256 };
  }
}

/** Whether a record names this object. */
export async function isNamed(db: Database, key: string): Promise<boolean> {
  const [tenant, image, name] = key.split("/");
  if (!tenant || !image || !name) return false;
  const [row, variants] = await Promise.all([
    db.get(tables.images.key(tenant, image)),
    db.get(tables.variants.key(tenant, image)),
  ]);
  if (row) return objectsOf(row, variants ?? {}).includes(key);
  const media = await db.get(tables.media.key(tenant, shaOf(name)));
  return media?.key === key;
}

import { z } from "zod";
import { Problem } from "../errors.ts";
import { blocksOf, type Body, exactStream, span } from "./bytes.ts";
import { keyParts, prefixParts } from "./object_key.ts";
import type { ByteRange, OpenObject, Storage, StoredObject } from "./storage.ts";

/** Below the 65,536 bytes of a KV value, with room for its envelope. */
const CHUNK_SIZE = 60_000;
/** Chunks per commit: 12 × 60,000 stays below the 819,200 bytes of a commit. */
const CHUNKS_PER_COMMIT = 12;
const DELETES_PER_COMMIT = 500;
const MAX_TRIES = 20;

const Manifest = z.object({ id: z.string(), size: z.number(), modifiedAt: z.number() });
type Manifest = z.infer<typeof Manifest>;

export type KvStorageOptions = {
  /** First part of every KV key. */
  root?: string;
  now?: () => number;
};

/**
 * Objects in Deno KV, for where there is no disk and no S3 (Deno Deploy):
 *
 * - `[root, "objects", ...parts of the key]` → manifest `{ id, size, modifiedAt }`
 * - `[root, "chunks", id, n]` → up to 60,000 bytes
 * - `[root, "loose", id]` → time: chunks that no manifest holds (yet, or any more)
 *
 * The chunks go in first, under a fresh id that is marked loose; one small commit then points the
 * manifest at them, takes the mark away and marks the replaced chunks. So every chunk is held by a
 * manifest or by a mark, whatever crashes, and `sweep()` needs to read the marks only.
 */
export function createKvStorage(
  kv: Deno.Kv,
  { root = "storage", now = Date.now }: KvStorageOptions = {},
): Storage {
  const store: Store = { kv, root, now };

  return {
    name: "kv",
    async put(key, body) {
      const manifestKey = [root, "objects", ...keyParts(key)];
      const id = crypto.randomUUID();
      const size = await writeChunks(store, id, body);
      const manifest = { id, size, modifiedAt: now() };
      await publish(store, manifestKey, manifest);
      return describe(manifest);
    },
    async get(key, range) {
      const manifest = await readManifest(store, key);
      return manifest && open(store, manifest, range);
    },
    async stat(key) {
      const manifest = await readManifest(store, key);
      return manifest && describe(manifest);
    },
    delete: (key) => remove(store, [root, "objects", ...keyParts(key)]),
    async *list(prefix) {
      const start = [root, "objects", ...prefixParts(prefix)];
      for await (const { key, value } of kv.list({ prefix: start })) {
        yield { key: key.slice(2).join("/"), ...describe(Manifest.parse(value)) };
      }
    },
    async sweep(before) {
      let count = 0;
      for await (const { key, value } of kv.list<number>({ prefix: [root, "loose"] })) {
        if (value >= before.getTime()) continue;
        await discard(store, String(key[2]));
        count++;
      }
      return count;
    },
    async check() {
      await kv.get([root, "objects"]);
    },
  };
}

type Store = { kv: Deno.Kv; root: string; now: () => number };

async function writeChunks(store: Store, id: string, body: Body): Promise<number> {
  await store.kv.set([store.root, "loose", id], store.now());
  try {
    return await commitChunks(store, id, body);
  } catch (error) {
    await discard(store, id);
    throw error;
  }
}

async function commitChunks({ kv, root }: Store, id: string, body: Body): Promise<number> {
  let [size, count] = [0, 0];
  let tx = kv.atomic();
  for await (const chunk of blocksOf(body, CHUNK_SIZE)) {
    tx.set([root, "chunks", id, count++], chunk);
    size += chunk.length;
    if (count % CHUNKS_PER_COMMIT > 0) continue;
    await tx.commit();
    tx = kv.atomic();
  }
  if (count % CHUNKS_PER_COMMIT > 0) await tx.commit();
  return size;
}

/**
 * Points the key at the new chunks; of several puts the last to commit wins, whole. The mark is
 * checked, so chunks that were swept away are never published. A failure here leaves the chunks to
 * `sweep()`: the commit may have happened even if its answer was lost.
 */
async function publish(store: Store, key: Deno.KvKey, manifest: Manifest): Promise<void> {
  const mark = await store.kv.get([store.root, "loose", manifest.id]);
  if (!mark.versionstamp) throw busy("it took so long that it was swept away");
  await replace(store, key, (tx) => tx.check(mark).delete(mark.key).set(key, manifest));
}

function remove(store: Store, key: Deno.KvKey): Promise<void> {
  return replace(store, key, (tx) => tx.delete(key));
}

/** Commits a change of a manifest and frees the chunks that it held until then. */
async function replace(
  store: Store,
  key: Deno.KvKey,
  change: (tx: Deno.AtomicOperation) => Deno.AtomicOperation,
): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const entry = await store.kv.get(key);
    const old = entry.value === null ? null : Manifest.parse(entry.value);
    const tx = change(store.kv.atomic().check(entry));
    if (old) tx.set([store.root, "loose", old.id], store.now());
    if (!(await tx.commit()).ok) continue;
    if (old) await discard(store, old.id);
    return;
  }
  throw busy("others keep changing it");
}

/** Deletes the chunks under an id, then its mark: interrupted, it can be done again. */
async function discard({ kv, root }: Store, id: string): Promise<void> {
  let tx = kv.atomic();
  let count = 0;
  // Keys alone are needed, but KV lists values too: small batches keep few chunks in memory.
  for await (const { key } of kv.list({ prefix: [root, "chunks", id] }, { batchSize: 20 })) {
    tx.delete(key);
    if (++count % DELETES_PER_COMMIT > 0) continue;
    await tx.commit();
    tx = kv.atomic();
  }
  await tx.delete([root, "loose", id]).commit();
}

async function readManifest({ kv, root }: Store, key: string): Promise<Manifest | null> {
  const { value } = await kv.get([root, "objects", ...keyParts(key)]);
  return value === null ? null : Manifest.parse(value);
}

function open(store: Store, manifest: Manifest, range?: ByteRange): OpenObject {
  const { start, length } = span(manifest.size, range);
  const body = exactStream(readChunks(store, manifest.id, start, length), length, () => {});
  return { ...describe(manifest), body };
}

async function* readChunks(
  { kv, root }: Store,
  id: string,
  start: number,
  length: number,
): AsyncGenerator<Uint8Array> {
  let skip = start % CHUNK_SIZE;
  for (let n = Math.floor(start / CHUNK_SIZE); length > 0; n++) {
    const { value } = await kv.get<Uint8Array>([root, "chunks", id, n]);
    if (!value) throw new Problem("unavailable", "Cannot read the object: a part of it is missing");
    const piece = value.subarray(skip, skip + length);
    skip = 0;
    length -= piece.length;
    yield piece;
  }
}

function describe({ size, modifiedAt }: Manifest): StoredObject {
  return { size, modifiedAt: new Date(modifiedAt) };
}

function busy(why: string): Problem {
  return new Problem("unavailable", `Cannot store the object: ${why}`, { retryAfter: 1 });
}

import { Problem } from "../errors.ts";
import { type Body, chunksOf, exactStream, span } from "./bytes.ts";
import { keyParts, prefixParts } from "./object_key.ts";
import type { ByteRange, OpenObject, Storage, StoredObject } from "./storage.ts";

export type LocalStorageOptions = {
  /** Folder that holds `objects/` and `tmp/`; made when missing. */
  root: string;
  /** Where unfinished files are written; must be on the same file system as `root`. */
  tmp?: string;
};

const READ_SIZE = 262_144;

/**
 * Objects as files: `<root>/objects/<tenant>/<shard>/<image>~<name>`. The shard is two hex digits
 * hashed from the second part of the key, so a tenant has at most 256 folders, all objects of an
 * image stand in one of them, and a new image needs no new folder.
 *
 * A put writes to `tmp/`, syncs the file, renames it and syncs its folder: after it returns, the
 * object survives a power cut. Disk full is `storage_full`; what the operating system refuses
 * otherwise (rights, read-only, too many open files, a broken disk) is `unavailable`.
 */
export function createLocalStorage({ root, tmp = `${root}/tmp` }: LocalStorageOptions): Storage {
  const objects = `${root}/objects`;

  return {
    name: "local",
    put(key, body) {
      const path = objectPath(objects, key);
      return guarded(() => writeWhole(`${tmp}/${crypto.randomUUID()}`, path, body));
    },
    get(key, range) {
      const path = objectPath(objects, key);
      return guarded(() => orNull(() => openAt(path, range)));
    },
    stat(key) {
      const path = objectPath(objects, key);
      return guarded(() => orNull(async () => describe(await Deno.stat(path))));
    },
    async delete(key) {
      const path = objectPath(objects, key);
      await guarded(() => orNull(() => Deno.remove(path)));
    },
    list: (prefix) => listFiles(objects, prefixParts(prefix)),
    sweep: (before) => guarded(() => sweepFolder(tmp, before)),
    check: () => guarded(() => probe(objects, tmp)),
  };
}

async function writeWhole(temp: string, path: string, body: Body): Promise<StoredObject> {
  try {
    const stored = await writeSynced(temp, body);
    await withFolder(path, () => Deno.rename(temp, path));
    await syncFolder(parentOf(path));
    return stored;
  } catch (error) {
    await orNull(() => Deno.remove(temp));
    throw error;
  }
}

async function writeSynced(temp: string, body: Body): Promise<StoredObject> {
  using file = await withFolder(
    temp,
    () => Deno.open(temp, { write: true, createNew: true, mode: 0o600 }),
  );
  for await (const chunk of chunksOf(body)) await writeAll(file, chunk);
  await file.syncData();
  return describe(await file.stat());
}

async function writeAll(file: Deno.FsFile, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
}

async function openAt(path: string, range?: ByteRange): Promise<OpenObject> {
  const file = await Deno.open(path);
  try {
    const stored = describe(await file.stat());
    const { start, length } = span(stored.size, range);
    if (start > 0) await file.seek(start, Deno.SeekMode.Start);
    return { ...stored, body: exactStream(readChunks(file, length), length, closeOnce(file)) };
  } catch (error) {
    file.close();
    throw error;
  }
}

async function* readChunks(file: Deno.FsFile, length: number): AsyncGenerator<Uint8Array> {
  for (let left = length; left > 0;) {
    const buffer = new Uint8Array(Math.min(READ_SIZE, left));
    const count = await guarded(() => file.read(buffer));
    if (count === null) return;
    left -= count;
    yield buffer.subarray(0, count);
  }
}

function closeOnce(file: Deno.FsFile): () => void {
  let open = true;
  return () => {
    if (open) file.close();
    open = false;
  };
}

async function* listFiles(objects: string, prefix: string[]): ReturnType<Storage["list"]> {
  const [tenant, image, ...rest] = prefix;
  const start = prefix.slice(1).map((part) => `${part}~`).join("");
  for await (const owner of tenant ? [{ name: tenant }] : entries(objects)) {
    const folder = `${objects}/${owner.name}`;
    // With the image known (and something below it asked for), only its shard can hold a match.
    const shards = image ? [{ name: shardOf([image, ...rest, ""]) }] : entries(folder);
    for await (const shard of shards) {
      for await (const { name } of entries(`${folder}/${shard.name}`)) {
        if (!name.startsWith(start)) continue;
        const stat = await guarded(() =>
          orNull(() => Deno.stat(`${folder}/${shard.name}/${name}`))
        );
        // A file deleted while the folder was read is no longer part of the list.
        if (stat) yield { key: `${owner.name}/${name.replaceAll("~", "/")}`, ...describe(stat) };
      }
    }
  }
}

/** The entries of a folder as they are read; none when there is no such folder. */
async function* entries(folder: string): AsyncGenerator<{ name: string }> {
  try {
    yield* Deno.readDir(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw asProblem(error);
  }
}

async function sweepFolder(tmp: string, before: Date): Promise<number> {
  let count = 0;
  for await (const { name } of entries(tmp)) {
    const stat = await orNull(() => Deno.stat(`${tmp}/${name}`));
    if (!stat?.isFile || !stat.mtime || stat.mtime >= before) continue;
    await orNull(() => Deno.remove(`${tmp}/${name}`));
    count++;
  }
  return count;
}

/** Makes and removes an empty file, which a read-only or full-of-inodes disk refuses. */
async function probe(objects: string, tmp: string): Promise<void> {
  await Deno.mkdir(objects, { recursive: true });
  const path = `${tmp}/${crypto.randomUUID()}`;
  const file = await withFolder(path, () => Deno.open(path, { write: true, createNew: true }));
  file.close();
  await Deno.remove(path);
}

/** Runs `action`; when the folder of `path` is what is missing, makes it and runs it once more. */
async function withFolder<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const folder = parentOf(path);
    await Deno.mkdir(folder, { recursive: true });
    for (const above of [parentOf(folder), parentOf(parentOf(folder))]) await syncFolder(above);
    return await action();
  }
}

/** A rename is durable once the folder is; see fsync(2). */
async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path || "/");
  await folder.sync();
}

/** The file of an object below the folder `objects`. */
export function objectPath(objects: string, key: string): string {
  const [tenant, ...rest] = keyParts(key);
  return `${objects}/${tenant}/${shardOf(rest)}/${rest.join("~")}`;
}

/** Two hex digits of the 32-bit FNV-1a hash of the first part. */
function shardOf([part = ""]: string[]): string {
  let hash = 0x811c9dc5;
  for (const char of part) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  return ((hash >>> 24) ^ (hash & 0xff)).toString(16).padStart(2, "0");
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function describe({ size, mtime }: Deno.FileInfo): StoredObject {
  return { size, modifiedAt: mtime ?? new Date(0) };
}

async function orNull<T>(action: () => Promise<T>): Promise<T | null> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function guarded<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw asProblem(error);
  }
}

const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const REFUSED = new Set([
  "EACCES",
  "EPERM",
  "EROFS",
  "EMFILE",
  "ENFILE",
  "EIO",
  "ENODEV",
  "ESTALE",
]);

/** The problem behind an error of the operating system; any other error stays itself. */
export function asProblem(cause: unknown): unknown {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (FULL.has(code)) {
    return new Problem("storage_full", "Cannot store the file: the disk is full", { cause });
  }
  if (REFUSED.has(code) || cause instanceof Deno.errors.PermissionDenied) {
    return new Problem("unavailable", "Cannot use the file storage at the moment", { cause });
  }
  return cause;
}

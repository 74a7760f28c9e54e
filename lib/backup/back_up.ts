import { dirname } from "node:path";
import deno from "../../deno.json" with { type: "json" };
import { type Config, isRemote } from "../config.ts";
import { createDatabase, type Database } from "../kv.ts";
import { copyDatabase, damageOf } from "../kv_file.ts";
import { isNamed, type NamedObject, objectsNamed } from "../objects.ts";
import { createLocalStorage, objectPath } from "../storage/local.ts";
import { tables } from "../tables.ts";
import { BackupError, hashFile, type Manifest, namesIn } from "./manifest.ts";

/** What is deleted between the copy of the records and that of its bytes is looked at so often again. */
const ROUNDS = 3;

/**
 * Copies an installation into an empty folder while it runs: the database as it is at one moment,
 * then the objects that its records name (hard links where the file system has them: objects never
 * change), the secrets, checksums, and last of all the manifest. Throws a `BackupError`.
 *
 * ```
 * manifest.json  SHA256SUMS  imago.kv  secrets.json  objects/… (or storage.kv)
 * ```
 */
export async function backUp(config: Config, folder: string): Promise<Manifest> {
  if (isRemote(config)) {
    throw new BackupError("Cannot back up a remote KV: whoever runs it has backups of it");
  }
  if ((await namesIn(folder)).length) {
    throw new BackupError(`Cannot back up into ${folder}: it is not empty`);
  }
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  for (let round = 1;; round++) {
    const manifest = await copyOnce(config, folder, round);
    if (manifest.missing.length && round < ROUNDS) continue;
    await write(`${folder}/manifest.json`, JSON.stringify(manifest, null, 2) + "\n");
    return manifest;
  }
}

async function copyOnce(config: Config, folder: string, round: number): Promise<Manifest> {
  const { DATA_DIR, DATABASE_URL, STORAGE_BACKEND: storage } = config;
  const created_at = new Date().toISOString();
  await copyWhole(DATABASE_URL || `${DATA_DIR}/imago.kv`, `${folder}/imago.kv`);
  // Later than the records, so that it has all that they name.
  if (storage === "kv") await copyWhole(`${DATA_DIR}/storage.kv`, `${folder}/storage.kv`);

  const db = createDatabase(await Deno.openKv(`${folder}/imago.kv`));
  const sums = await openSums(`${folder}/SHA256SUMS`);
  try {
    const [tenants, images] = [await count(db, tables.tenants), await count(db, tables.images)];
    const copied = storage === "local"
      ? await copyObjects(db, `${DATA_DIR}/storage/objects`, folder, sums.add)
      : { objects: 0, bytes: 0, missing: [], damaged: [] };
    if (round > 1) await prune(db, folder);
    db.close();
    for (const name of ["imago.kv", ...(storage === "kv" ? ["storage.kv"] : [])]) {
      await sums.add(await hashFile(`${folder}/${name}`), name);
    }
    if (await copySecrets(DATA_DIR, folder)) {
      await sums.add(await hashFile(`${folder}/secrets.json`), "secrets.json");
    }
    const sums_sha256 = await sums.end();
    const { version: imago } = deno;
    return { format: 1, created_at, imago, storage, tenants, images, ...copied, sums_sha256 };
  } finally {
    db.close();
    sums.close();
  }
}

/** A copy that is known to be whole: a damaged database is told now, not at the restore. */
async function copyWhole(from: string, to: string) {
  const old = await namesIn(dirname(to));
  const name = to.slice(dirname(to).length + 1);
  await Promise.all(
    old.filter((other) => other.startsWith(name)).map((other) =>
      Deno.remove(`${dirname(to)}/${other}`)
    ),
  );
  await Deno.stat(from).catch((cause) => {
    throw new BackupError(`Cannot back up: there is no database ${from}`, { cause });
  });
  await copyDatabase(from, to);
  await Deno.chmod(to, 0o600);
  const damage = damageOf(to);
  if (damage) throw new BackupError(`Cannot back up: ${from} is damaged (${damage})`);
}

type Copied = Pick<Manifest, "objects" | "bytes" | "missing" | "damaged">;

async function copyObjects(
  db: Database,
  from: string,
  folder: string,
  add: (sha256: string, name: string) => Promise<void>,
): Promise<Copied> {
  const copied: Copied = { objects: 0, bytes: 0, missing: [], damaged: [] };
  for await (const object of objectsNamed(db)) {
    const path = objectPath("objects", object.key);
    const size = await copyObject(objectPath(from, object.key), `${folder}/${path}`);
    if (size === null) {
      copied.missing.push(object.key);
      continue;
    }
    const sha256 = await hashFile(`${folder}/${path}`);
    if (isDamaged(object, size, sha256)) copied.damaged.push(object.key);
    await add(sha256, path);
    copied.objects++;
    copied.bytes += size;
  }
  return copied;
}

function isDamaged(object: NamedObject, size: number, sha256: string): boolean {
  return (object.size !== null && object.size !== size) ||
    (object.sha256 !== null && object.sha256 !== sha256);
}

/** Links or copies a file; its size, or null when it is gone. */
async function copyObject(from: string, to: string): Promise<number | null> {
  try {
    const { size } = await Deno.stat(from);
    await Deno.mkdir(dirname(to), { recursive: true });
    await linkOrCopy(from, to);
    return size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function linkOrCopy(from: string, to: string) {
  try {
    await Deno.link(from, to);
  } catch (error) {
    // Copied in the round before.
    if (error instanceof Deno.errors.AlreadyExists) return;
    if (error instanceof Deno.errors.NotFound) throw error;
    // Another file system, or one without links.
    await Deno.copyFile(from, to);
  }
}

/** Removes what an earlier round copied and no record names any more. */
async function prune(db: Database, folder: string) {
  const storage = createLocalStorage({ root: folder });
  for await (const { key } of storage.list("")) {
    if (!await isNamed(db, key)) await storage.delete(key);
  }
}

async function copySecrets(from: string, to: string): Promise<boolean> {
  if (!(await namesIn(from)).includes("secrets.json")) return false;
  await write(`${to}/secrets.json`, await Deno.readTextFile(`${from}/secrets.json`));
  return true;
}

/** `sha256sum -c SHA256SUMS` can check it. */
async function openSums(path: string) {
  const file = await Deno.open(path, { write: true, create: true, truncate: true, mode: 0o600 });
  let open = true;
  const close = () => {
    if (open) file.close();
    open = false;
  };
  return {
    async add(sha256: string, name: string) {
      await file.write(new TextEncoder().encode(`${sha256}  ${name}\n`));
    },
    async end(): Promise<string> {
      await file.sync();
      close();
      return await hashFile(path);
    },
    close,
  };
}

async function count(db: Database, table: { prefix(): Deno.KvKey }): Promise<number> {
  let found = 0;
  for await (const _ of db.list({ prefix: table.prefix() })) found++;
  return found;
}

async function write(path: string, text: string) {
  using file = await Deno.open(path, { write: true, create: true, truncate: true, mode: 0o600 });
  await file.write(new TextEncoder().encode(text));
  await file.sync();
}

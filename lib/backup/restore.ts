import { dirname } from "node:path";
import { type Config, isRemote } from "../config.ts";
import { takeFolder } from "../data_folder.ts";
import { damageOf } from "../kv_file.ts";
import { BackupError, hashFile, Manifest, namesIn } from "./manifest.ts";

/**
 * Brings a backup into an empty data folder, checking every byte. A restore that is interrupted
 * leaves a folder that Imago refuses to start on. Throws a `BackupError`, or `AlreadyRunning` while
 * a server holds the folder.
 */
export async function restore(config: Config, folder: string): Promise<Manifest> {
  const { DATA_DIR } = config;
  if (isRemote(config) || config.DATABASE_URL) {
    throw new BackupError(
      "Cannot restore into DATABASE_URL: leave it empty, and move the file later",
    );
  }
  const manifest = await readManifest(folder);
  const data = await takeFolder(DATA_DIR);
  try {
    const there = (await namesIn(DATA_DIR)).filter((name) => name !== "lock");
    if (there.length) {
      throw new BackupError(`Cannot restore into ${DATA_DIR}: it is not empty (${there[0]} …)`);
    }
    await Deno.writeTextFile(`${DATA_DIR}/restoring`, "");
    const objects = await copyFiles(folder, DATA_DIR);
    if (objects !== manifest.objects) {
      throw broken(`it has ${objects} of ${manifest.objects} objects`);
    }
    const damage = damageOf(`${DATA_DIR}/imago.kv`);
    if (damage) throw broken(`its database is damaged (${damage})`);
    await Deno.remove(`${DATA_DIR}/restoring`);
    return manifest;
  } finally {
    data.release();
  }
}

async function readManifest(folder: string): Promise<Manifest> {
  try {
    const manifest = Manifest.parse(JSON.parse(await Deno.readTextFile(`${folder}/manifest.json`)));
    if (await hashFile(`${folder}/SHA256SUMS`) === manifest.sums_sha256) return manifest;
  } catch (cause) {
    throw new BackupError(`Cannot restore: ${folder} holds no whole backup`, { cause });
  }
  throw broken("SHA256SUMS is another than when it was made");
}

/** Copies every file that SHA256SUMS names; returns how many of them are objects. */
async function copyFiles(from: string, to: string): Promise<number> {
  let objects = 0;
  for await (const line of linesOf(`${from}/SHA256SUMS`)) {
    const [, sha256, name] = LINE.exec(line) ?? [];
    if (!sha256 || !name || name.split("/").includes("..")) {
      throw broken("SHA256SUMS has a strange line");
    }
    const target = name.startsWith("objects/") ? `${to}/storage/${name}` : `${to}/${name}`;
    await copyChecked(`${from}/${name}`, target, sha256);
    if (name.startsWith("objects/")) objects++;
  }
  return objects;
}

const LINE = /^([0-9a-f]{64}) {2}((?:objects\/[\w.~/-]+)|imago\.kv|storage\.kv|secrets\.json)$/;

async function copyChecked(from: string, to: string, sha256: string) {
  await Deno.mkdir(dirname(to), { recursive: true });
  await Deno.copyFile(from, to).catch((cause) => {
    throw new BackupError(`Cannot restore: ${from} cannot be copied`, { cause });
  });
  await Deno.chmod(to, 0o600);
  if (await hashFile(to) !== sha256) throw broken(`${from} is another than when it was made`);
}

async function* linesOf(path: string): AsyncGenerator<string> {
  const file = await Deno.open(path);
  let rest = "";
  for await (const text of file.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  if (rest) yield rest;
}

function broken(why: string): BackupError {
  return new BackupError(`Cannot use the backup: ${why}. Empty DATA_DIR before another try`);
}

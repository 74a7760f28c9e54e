import { type Config, ConfigError, isRemote } from "./config.ts";
import { refuseLoss, takeFolder } from "./data_folder.ts";
import { createDisk, type Disk } from "./disk.ts";
import { createImaging } from "./imaging/imaging.ts";
import { createDatabase } from "./kv.ts";
import { refuseDamage } from "./kv_file.ts";
import { loadSecrets } from "./secrets.ts";
import { createKvStorage } from "./storage/kv.ts";
import { createLocalStorage } from "./storage/local.ts";
import { createS3Storage } from "./storage/s3.ts";
import type { Storage } from "./storage/storage.ts";
import { tables } from "./tables.ts";

/** Opens what everything else stands on. Throws `AlreadyRunning`, or a `ConfigError`. */
export async function openFoundations(config: Config) {
  const folder = await takeFolder(config.DATA_DIR);
  const remote = isRemote(config);
  const database = config.DATABASE_URL || `${config.DATA_DIR}/imago.kv`;
  if (!remote) {
    await refuseLoss(config.DATA_DIR, database, folder.wasOpen);
    await refuseDamage(database, folder.wasOpen);
  }
  const kv = await Deno.openKv(database);
  const reader = remote ? kv : await Deno.openKv(database);
  return {
    config,
    folder,
    secrets: await loadSecrets(config.DATA_DIR, {
      adminApiKey: config.ADMIN_API_KEY,
      signedUrlSecrets: config.SIGNED_URL_SECRET,
      encryptionKeys: config.ENCRYPTION_KEY,
      jwtSecrets: config.JWT_SECRET_KEY,
    }),
    db: createDatabase(kv, Object.values(tables), reader),
    storage: await openStorage(config, config.STORAGE_BACKEND),
    imaging: await createImaging({
      engine: config.IMAGE_ENGINE,
      cores: navigator.hardwareConcurrency,
    }),
    disk: await openDisk(config),
    /** A local file has one process; a remote KV may have many. */
    exclusive: !remote,
  };
}

/** The disk of the database; null where the records are in a KV elsewhere. */
async function openDisk(config: Config): Promise<Disk | null> {
  if (isRemote(config)) return null;
  const { DATABASE_URL, DATA_DIR, MIN_FREE_DISK_MB } = config;
  const disk = createDisk({ path: DATABASE_URL || DATA_DIR, floor: MIN_FREE_DISK_MB });
  await disk.look();
  return disk;
}

/** Opens one of the places for bytes. Throws a `ConfigError` when a variable for it is missing. */
export async function openStorage(
  config: Config,
  backend: Config["STORAGE_BACKEND"],
): Promise<Storage> {
  switch (backend) {
    case "local":
      return createLocalStorage({ root: `${config.DATA_DIR}/storage` });
    case "kv":
      return createKvStorage(await Deno.openKv(`${config.DATA_DIR}/storage.kv`));
    case "s3":
      return createS3Storage({
        bucket: given(config, "S3_BUCKET"),
        endpoint: config.S3_ENDPOINT_URL,
        region: config.S3_REGION,
        accessKey: given(config, "S3_ACCESS_KEY"),
        secretKey: given(config, "S3_SECRET_KEY"),
      });
  }
}

function given(config: Config, name: "S3_BUCKET" | "S3_ACCESS_KEY" | "S3_SECRET_KEY"): string {
  const value = config[name];
  if (!value) throw new ConfigError(`Cannot start: s3 storage needs ${name}`);
  return value;
}

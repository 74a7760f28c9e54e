import { randomBytes } from "node:crypto";
import { z } from "zod";
import { sha256Of } from "./auth/key_format.ts";
import { ConfigError } from "./config.ts";

const Secrets = z.object({
  signedUrlSecret: z.string().min(32),
  adminKeySha256: z.string().length(64),
  encryptionKey: z.string().min(32),
  jwtSecret: z.string().min(32),
});
/** Files of older versions lack what was added since. */
const Kept = Secrets.partial();

export type Secrets = Omit<z.infer<typeof Secrets>, "encryptionKey" | "jwtSecret"> & {
  /** The master key, where this start has made it: shown once, kept nowhere. */
  newAdminKey: string | null;
  /** Accepted beside `signedUrlSecret` while that is being changed. */
  formerSignedUrlSecrets?: string[];
  /** The first encrypts, each decrypts. */
  encryptionKeys: string[];
  /** The first signs, each is accepted. */
  jwtSecrets: string[];
};

type Given = {
  adminApiKey?: string;
  signedUrlSecrets?: string[];
  encryptionKeys?: string[];
  jwtSecrets?: string[];
};

/**
 * The secrets that the operator gave, and for the rest those of `<folder>/secrets.json` (0600), made
 * at the first start.
 */
export async function loadSecrets(folder: string, given: Given): Promise<Secrets> {
  const path = `${folder}/secrets.json`;
  const kept = await read(path);
  const newAdminKey = given.adminApiKey || kept?.adminKeySha256 ? null : makeSecret();
  const made = {
    signedUrlSecret: kept?.signedUrlSecret ?? makeSecret(),
    adminKeySha256: kept?.adminKeySha256 ?? sha256Of(newAdminKey ?? makeSecret()),
    encryptionKey: kept?.encryptionKey ?? makeSecret(),
    jwtSecret: kept?.jwtSecret ?? makeSecret(),
  };
  if (!Secrets.safeParse(kept).success) await write(path, made);
  const [signedUrlSecret, ...formerSignedUrlSecrets] = given.signedUrlSecrets ?? [];
  return {
    signedUrlSecret: signedUrlSecret ?? made.signedUrlSecret,
    formerSignedUrlSecrets,
    adminKeySha256: given.adminApiKey ? sha256Of(given.adminApiKey) : made.adminKeySha256,
    encryptionKeys: given.encryptionKeys ?? [made.encryptionKey],
    jwtSecrets: given.jwtSecrets ?? [made.jwtSecret],
    newAdminKey,
  };
}

function makeSecret(): string {
  return randomBytes(32).toString("base64url");
}

async function read(path: string) {
  try {
    return Kept.parse(JSON.parse(await Deno.readTextFile(path)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw new ConfigError(`Cannot start with ${path}: it is damaged, restore it from a backup`, {
      cause: error,
    });
  }
}

async function write(path: string, secrets: z.infer<typeof Secrets>) {
  // Under another name first: a crash must not leave half a file that the next start refuses.
  const draft = `${path}.draft`;
  const file = await Deno.open(draft, { write: true, create: true, truncate: true, mode: 0o600 });
  try {
    await file.write(new TextEncoder().encode(JSON.stringify(secrets, null, 2)));
    await file.sync();
  } finally {
    file.close();
  }
  await Deno.rename(draft, path);
}

import { createHash } from "node:crypto";
import { z } from "zod";

/** What a backup holds; written last, so a folder without it is no backup. */
export const Manifest = z.object({
  format: z.literal(1),
  created_at: z.iso.datetime(),
  imago: z.string(),
  /** Where the bytes live; those in S3 are not part of the backup. */
  storage: z.enum(["local", "kv", "s3"]),
  tenants: z.number().int(),
  images: z.number().int(),
  objects: z.number().int(),
  bytes: z.number().int(),
  /** SHA-256 of the file SHA256SUMS, which has that of all others. */
  sums_sha256: z.string(),
  /** Objects that records name and that were gone when they were to be copied. */
  missing: z.array(z.string()),
  /** Originals whose bytes are not those that were uploaded. */
  damaged: z.array(z.string()),
});
export type Manifest = z.infer<typeof Manifest>;

/** A backup that cannot be made or used; the message is a sentence for the operator. */
export class BackupError extends Error {
  override readonly name = "BackupError";
}

const READ_SIZE = 1_048_576;

/** SHA-256 of a file, in hexadecimal. */
export async function hashFile(path: string): Promise<string> {
  using file = await Deno.open(path);
  const hash = createHash("sha256");
  const buffer = new Uint8Array(READ_SIZE);
  for (let count; (count = await file.read(buffer)) !== null;) {
    hash.update(buffer.subarray(0, count));
  }
  return hash.digest("hex");
}

/** Names of what stands in a folder; none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

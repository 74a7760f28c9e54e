import { backUp } from "../lib/backup/back_up.ts";
import { run, say, sayAll, UsageError } from "./command.ts";

/** `deno task backup <folder>`: see lib/backup/back_up.ts. */
await run(async (config, [folder]) => {
  if (!folder) throw new UsageError("usage: deno task backup <empty folder>");
  const { images, objects, bytes, storage, missing, damaged } = await backUp(config, folder);
  say(`Backed up ${images} images (${objects} objects, ${bytes} bytes) into ${folder}`);
  if (storage === "s3") say("The objects stay in S3: back up the bucket as well");
  sayAll("were deleted while the backup ran, or are lost", missing);
  sayAll("have other bytes than their records say", damaged);
});

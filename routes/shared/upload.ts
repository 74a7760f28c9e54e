import type { Context } from "hono";
import { Problem } from "../../lib/errors.ts";
import type { ImageRow } from "../../lib/model/image.ts";
import type { Refusal } from "../../lib/model/record.ts";
import type { Services } from "../../lib/services.ts";
import type { Env } from "./app.ts";
import { noteForm } from "./idempotency.ts";
import { type MultipartFile, readMultipart } from "./multipart.ts";

/** What a multipart body adds to its file: boundaries, headers, a few fields. */
const MULTIPART_OVERHEAD = 65_536;

/** What came of an upload; a refusal for what the file is has been recorded. */
export type Received = { row: ImageRow } | { refusal: Refusal; problem: Problem };

/** Looks at a file before its bytes; throws a `Problem` to refuse it. */
type Check = (file: Pick<MultipartFile, "filename" | "mime">) => void;

/** The documentation of a multipart body; such bodies are streamed, so no validator reads them first. */
export function uploadBody(field: string) {
  return {
    required: true,
    content: {
      "multipart/form-data": {
        schema: {
          type: "object" as const,
          properties: { [field]: { type: "string" as const, format: "binary" } },
          required: [field],
        },
      },
    },
  };
}

/** Streams the one picture of a request into the tenant's images; throws when it is refused. */
export async function receiveImage(c: Context<Env>, services: Services): Promise<ImageRow> {
  const received = await receiveUpload(c, services);
  if ("problem" in received) throw received.problem;
  return received.row;
}

/**
 * Streams the one picture of a request into the tenant's images, counts how that ended, and records
 * it where it was refused for what it is. Whatever else is wrong is thrown.
 */
export async function receiveUpload(
  c: Context<Env>,
  services: Services,
  check: Check = () => {},
): Promise<Received> {
  const { uploads, uploadBytes } = services.metrics;
  const seen: Seen = { name: null, taken: null };
  try {
    const row = await receive(c, services, check, seen);
    uploads.inc({ result: "accepted" });
    uploadBytes.inc(row.size_bytes);
    return { row };
  } catch (error) {
    const problem = error instanceof Problem ? error : null;
    uploads.inc({ result: problem?.code ?? "internal" });
    // What follows the picture made the form invalid: nobody learns of the image.
    if (seen.taken) await services.images.remove(c.var.tenant, seen.taken.id);
    if (!problem || seen.name === null || seen.taken) throw error;
    const refusal = await services.records.refuse(c.var.tenant, seen.name, problem);
    if (!refusal) throw error;
    return { refusal, problem };
  }
}

/** The file that the form was found to have, and the image that it is by now. */
type Seen = { name: string | null; taken: ImageRow | null };

async function receive(
  c: Context<Env>,
  { config, tenants, quotas, images }: Services,
  check: Check,
  seen: Seen,
): Promise<ImageRow> {
  const tenant = await tenants.get(c.var.tenant);
  const length = Number(c.req.header("Content-Length") ?? 0) - MULTIPART_OVERHEAD;
  const isTooLarge = length > config.MAX_UPLOAD_SIZE_MB;
  if (!isTooLarge) await quotas.refuseEarly(tenant, Math.max(1, length));
  const { fields, files } = await readMultipart(c.req.raw, {
    maxFileBytes: config.MAX_UPLOAD_SIZE_MB,
    maxFiles: 1,
    onFound({ field, filename, mime }) {
      if (field !== "file") throw noFile();
      seen.name = filename;
      check({ filename, mime });
      // Here, not earlier: by now it has a name under which the refusal is recorded.
      if (isTooLarge) throw tooLarge(config.MAX_UPLOAD_SIZE_MB);
    },
    async onFile({ filename, body }) {
      seen.taken = await images.add(tenant, { name: filename, body });
      return seen.taken;
    },
  });
  const [row] = files;
  if (!row) throw noFile();
  noteForm(c, fields, [{ field: "file", filename: row.original_name, sha256: row.sha256 }]);
  return row;
}

function tooLarge(bytes: number) {
  return new Problem("too_large", `Cannot take more than ${bytes / 1_048_576} MB`);
}

/** The form has no picture where it belongs. */
export function noFile() {
  return new Problem("invalid_request", 'Send the picture in the multipart field "file"');
}

import type { Context } from "hono";
import { Problem } from "../../lib/errors.ts";
import type { ImageRow } from "../../lib/model/image.ts";
import type { Services } from "../../lib/services.ts";
import type { Env } from "./app.ts";
import { noteForm } from "./idempotency.ts";
import { readMultipart } from "./multipart.ts";

/** What a multipart body adds to its file: boundaries, headers, a few fields. */
const MULTIPART_OVERHEAD = 65_536;

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

/** Streams the one picture of a request into the tenant's images, and counts how that ended. */
export async function receiveImage(c: Context<Env>, services: Services): Promise<ImageRow> {
  const { uploads, uploadBytes } = services.metrics;
  try {
    const row = await receive(c, services);
    uploads.inc({ result: "accepted" });
    uploadBytes.inc(row.size_bytes);
    return row;
  } catch (error) {
    uploads.inc({ result: error instanceof Problem ? error.code : "internal" });
    throw error;
  }
}

async function receive(
  c: Context<Env>,
  { config, tenants, quotas, images }: Services,
): Promise<ImageRow> {
  const tenant = await tenants.get(c.var.tenant);
  const length = Number(c.req.header("Content-Length") ?? 0) - MULTIPART_OVERHEAD;
  if (length > config.MAX_UPLOAD_SIZE_MB) throw tooLarge(config.MAX_UPLOAD_SIZE_MB);
  await quotas.refuseEarly(tenant, Math.max(1, length));
  const { fields, files } = await readMultipart(c.req.raw, {
    maxFileBytes: config.MAX_UPLOAD_SIZE_MB,
    maxFiles: 1,
    onFile: ({ field, filename, body }) => {
      if (field !== "file") throw noFile();
      return images.add(tenant, { name: filename, body });
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

function noFile() {
  return new Problem("invalid_request", 'Send the picture in the multipart field "file"');
}

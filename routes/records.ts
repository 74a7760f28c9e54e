import { createRoute, z } from "@hono/zod-openapi";
import { Problem } from "../lib/errors.ts";
import type { ImageRow } from "../lib/model/image.ts";
import {
  type RefusalReason,
  UploadFailure,
  UploadRecord,
  UploadStats,
  UploadSuccess,
} from "../lib/model/record.ts";
import { Id } from "../lib/model/scalars.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { idempotent } from "./shared/idempotency.ts";
import { page, Paging } from "./shared/paging.ts";
import { ProblemBody, problems } from "./shared/problems.ts";
import { presentAttempt, presentFailure, presentSuccess } from "./shared/record_view.ts";
import { secured } from "./shared/secured.ts";
import { IMMUTABLE, serveObject } from "./shared/serve_object.ts";
import { receiveUpload, uploadBody } from "./shared/upload.ts";

const EXTENSION = /\.(jpe?g|png|gif|webp|avif|tiff?|heic|heif)$/i;
const MIME = /^image\/(jpe?g|png|gif|webp|avif|tiff|heic|heif)$/;
const SIZES = ["small", "medium"] as const;

const params = z.object({ image_id: Id });

const STATUS = {
  "invalid file format": 415,
  "file too large": 413,
  "image cannot be decoded": 422,
} as const satisfies Record<RefusalReason, number>;

/** An envelope for what the file is; a problem for all else, a malformed Idempotency-Key for one. */
const failure = (description: string) => ({
  description,
  content: {
    "application/json": { schema: UploadFailure },
    "application/problem+json": { schema: ProblemBody },
  },
});

const upload = createRoute({
  method: "post",
  path: "/api/images",
  tags: ["records"],
  summary: "Upload a picture; a refusal is recorded too",
  description: "The file's extension, its declared type and its bytes must each be of a picture.",
  ...idempotent(secured("images:write")),
  requestBody: uploadBody("file"),
  responses: {
    201: {
      description: "Taken in; the pipeline works on it",
      content: { "application/json": { schema: UploadSuccess } },
    },
    413: failure("It is too large; recorded"),
    415: failure("It is no picture that Imago reads; recorded"),
    422: failure("It is damaged; recorded"),
    ...problems("invalid_request", "conflict", "quota_exceeded", "unavailable"),
  },
});

const list = createRoute({
  method: "get",
  path: "/api/images",
  tags: ["records"],
  summary: "List attempts to upload, newest first, refused ones too",
  ...secured("images:read"),
  request: { query: Paging },
  responses: {
    200: {
      description: "A page of them",
      content: {
        "application/json": {
          schema: z.object({ items: z.array(UploadRecord), next_cursor: z.string().nullable() }),
        },
      },
    },
    ...problems("invalid_request", "invalid_content"),
  },
});

const details = createRoute({
  method: "get",
  path: "/api/images/{image_id}",
  tags: ["records"],
  summary: "Read one attempt to upload",
  ...secured("images:read"),
  request: { params },
  responses: {
    200: { description: "It", content: { "application/json": { schema: UploadRecord } } },
    ...problems("not_found", "invalid_content"),
  },
});

const thumbnail = createRoute({
  method: "get",
  path: "/api/images/{image_id}/thumbnails/{size}",
  tags: ["records"],
  summary: "Get a thumbnail: small (160 pixels) or medium (640)",
  description: "Made at once if the pipeline has not made it yet.",
  ...secured("images:read"),
  request: {
    params: params.extend({
      size: z.string().openapi({ description: SIZES.join(" or "), example: "small" }),
    }),
  },
  responses: {
    200: {
      description: "A JPEG",
      content: { "image/jpeg": { schema: { type: "string", format: "binary" } } },
    },
    206: { description: "A range of it" },
    304: { description: "Not modified" },
    ...problems(
      "not_found",
      "range_not_satisfiable",
      "invalid_content",
      "unavailable",
      "storage_full",
    ),
  },
});

const stats = createRoute({
  method: "get",
  path: "/api/stats",
  tags: ["records"],
  summary: "See how all attempts to upload ended",
  ...secured("images:read"),
  responses: {
    200: { description: "The figures", content: { "application/json": { schema: UploadStats } } },
  },
});

/** Attempts to upload, and what came of them. */
export function recordRoutes(services: Services) {
  const { records, images, transforms, links, cursors, storage } = services;

  return createRouter()
    .openapi(upload, async (c) => {
      const received = await receiveUpload(c, services, refuseByName);
      if ("row" in received) {
        const { origin } = new URL(c.req.url);
        const answer = presentSuccess(received.row, links, origin);
        return c.json(answer, 201, { Location: `/api/images/${received.row.id}` });
      }
      const { refusal } = received;
      return c.json(presentFailure(refusal), STATUS[refusal.reason]);
    })
    .openapi(list, async (c) => {
      const { origin } = new URL(c.req.url);
      const { items, next_cursor } = await page(
        c,
        cursors,
        "records",
        (limit, before) => records.list(c.var.tenant, limit, before),
      );
      const shown = items.map((attempt) => presentAttempt(attempt, links, origin));
      return c.json({ items: shown, next_cursor }, 200);
    })
    .openapi(details, async (c) => {
      const attempt = await records.get(c.var.tenant, c.req.valid("param").image_id);
      return c.json(presentAttempt(attempt, links, new URL(c.req.url).origin), 200);
    })
    .openapi(thumbnail, async (c) => {
      const { image_id, size } = c.req.valid("param");
      const row = await images.get(c.var.tenant, image_id);
      const key = await thumbnailOf(row, size);
      return await serveObject(c, storage, key, {
        mime: "image/jpeg",
        filename: `${size}.jpg`,
        disposition: "inline",
        cacheControl: IMMUTABLE,
        etag: key.split("/").at(-1),
      });
    })
    .openapi(stats, async (c) => c.json(await records.stats(c.var.tenant), 200));

  async function thumbnailOf(row: ImageRow, asked: string): Promise<string> {
    const size = SIZES.find((size) => size === asked);
    if (!size) throw new Problem("not_found", `There is no thumbnail of size "${asked}"`);
    return (row.renditions[size] ?? await transforms.thumbnail(row, size)).key;
  }
}

function refuseByName({ filename, mime }: { filename: string; mime: string }) {
  const wrong = !EXTENSION.test(filename)
    ? "its name has no extension of a picture"
    : !MIME.test(mime)
    ? "it is not declared to be a picture"
    : null;
  if (wrong) throw new Problem("unsupported_type", `Cannot take the file: ${wrong}`);
}

import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Problem } from "../lib/errors.ts";
import {
  Ai,
  Exif,
  Image,
  type ImageRow,
  ImageStatus,
  Ocr,
  SimilarImage,
} from "../lib/model/image.ts";
import { StepRun } from "../lib/model/job.ts";
import { Id, Time } from "../lib/model/scalars.ts";
import type { Services } from "../lib/services.ts";
import { imageListRoutes } from "./image_lists.ts";
import { createRouter, type Env } from "./shared/app.ts";
import { json } from "./shared/json.ts";
import { notModified } from "./shared/etag.ts";
import { idempotent } from "./shared/idempotency.ts";
import { present, summarize } from "./shared/image_view.ts";
import { Link, LinkQuery } from "./shared/link.ts";
import { problems } from "./shared/problems.ts";
import { secured } from "./shared/secured.ts";
import { receiveImage, uploadBody } from "./shared/upload.ts";

const MAX_WAIT_SECONDS = 60;

const params = z.object({ id: Id });
const Skipped = z.object({ state: z.literal("skipped"), reason: z.string().nullable() });

const upload = createRoute({
  method: "post",
  path: "/images/upload",
  tags: ["images"],
  summary: "Upload a picture",
  ...idempotent(secured("images:write")),
  requestBody: uploadBody("file"),
  responses: {
    202: json(
      "Taken in; the pipeline works on it",
      z.object({
        id: Id,
        uuid: Id,
        original_name: z.string(),
        status: ImageStatus,
        message: z.string(),
      }),
    ),
    ...problems(
      "invalid_request",
      "conflict",
      "too_large",
      "unsupported_type",
      "invalid_content",
      "quota_exceeded",
      "unavailable",
    ),
  },
});

const details = createRoute({
  method: "get",
  path: "/images/{id}",
  tags: ["images"],
  summary: "Read one image",
  ...secured("images:read"),
  request: { params },
  responses: {
    200: json("The image", Image),
    304: { description: "Not modified" },
    ...problems("not_found", "invalid_content"),
  },
});

const status = createRoute({
  method: "get",
  path: "/images/{id}/status",
  tags: ["images"],
  summary: "See how far the pipeline is",
  ...secured("images:read"),
  request: {
    params,
    query: z.object({
      wait: z.coerce.number().min(0).max(MAX_WAIT_SECONDS).default(0).openapi({
        description: "Seconds to wait for a change, unless the image is settled",
      }),
    }),
  },
  responses: {
    200: json(
      "The status",
      z.object({
        id: Id,
        status: ImageStatus,
        steps: z.record(z.string(), StepRun),
        started_at: Time.nullable(),
        done_at: Time.nullable(),
      }),
    ),
    ...problems("not_found", "invalid_content"),
  },
});

/** One route for a part of what is known; 409 while its step has not ended. */
const part = <S extends z.ZodType>(name: string, summary: string, schema: S) =>
  createRoute({
    method: "get",
    path: `/images/{id}/${name}`,
    tags: ["images"],
    summary,
    ...secured("images:read"),
    request: { params },
    responses: {
      200: json("What is known, or why it was skipped", z.union([schema, Skipped])),
      ...problems("not_found", "conflict", "invalid_content"),
    },
  });

const exif = part("exif", "Read camera, date and position", Exif);
const ocr = part("ocr", "Read the text found in the picture", Ocr);
const ai = part("ai", "Read description and tags", Ai);

const similar = createRoute({
  method: "get",
  path: "/images/{id}/similar",
  tags: ["images"],
  summary: "List images that look the same, the most alike first, 20 at most",
  description: "Copies in other sizes, formats and qualities; empty until the picture was decoded.",
  ...secured("images:read"),
  request: { params },
  responses: {
    200: json("The images", z.object({ items: z.array(SimilarImage) })),
    ...problems("not_found", "invalid_content"),
  },
});

const downloadUrl = createRoute({
  method: "get",
  path: "/images/{id}/download-url",
  tags: ["images"],
  summary: "Get a signed link to the original",
  ...secured("images:read"),
  request: { params, query: LinkQuery },
  responses: {
    200: json("The link", Link),
    ...problems("not_found", "invalid_content"),
  },
});

const thumbnailUrl = createRoute({
  method: "get",
  path: "/images/{id}/thumbnail-url",
  tags: ["images"],
  summary: "Get a signed link to a thumbnail",
  ...secured("images:read"),
  request: {
    params,
    query: LinkQuery.extend({ size: z.enum(["small", "medium"]).default("small") }),
  },
  responses: {
    200: json("The link", Link),
    ...problems("not_found", "conflict", "invalid_content"),
  },
});

const reprocess = createRoute({
  method: "post",
  path: "/images/{id}/reprocess",
  tags: ["images"],
  summary: "Run the pipeline again, all or some of it",
  ...secured("images:write"),
  request: {
    params,
    body: {
      required: false,
      ...json(
        "",
        z.object({
          steps: z.array(z.enum(["renditions", "exif", "ocr", "vision"])).min(1).optional(),
        }),
      ),
    },
  },
  responses: {
    202: json("Queued", z.object({ id: Id, status: ImageStatus, message: z.string() })),
    ...problems("invalid_request", "not_found", "conflict", "invalid_content"),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/images/{id}",
  tags: ["images"],
  summary: "Delete an image and everything made of it",
  ...secured("images:delete"),
  request: { params },
  responses: {
    204: { description: "Gone" },
    ...problems("not_found", "invalid_content"),
  },
});

/** Everything about a tenant's images. */
export function imageRoutes(services: Services) {
  const { images, tenants, links, clock } = services;

  return createRouter().route("/", imageListRoutes(services))
    .openapi(upload, async (c) => {
      const row = await receiveImage(c, services);
      const { id, original_name, status } = row;
      const message = "Taken in; its thumbnails, EXIF, text and description follow";
      return c.json({ id, uuid: id, original_name, status, message }, 202, {
        Location: `/images/${id}`,
      });
    })
    .openapi(details, async (c) => {
      const { row, version } = await images.getVersioned(c.var.tenant, c.req.valid("param").id);
      // The links in the answer change with the day.
      const etag = `"${version}-${Math.floor(clock.now() / 86_400_000)}"`;
      if (notModified(c, etag)) return c.body(null, 304);
      const text = row.ocr?.has_text ? await images.text(row.tenant, row.id) : "";
      return c.json(present(row, text, links, originOf(c)), 200);
    })
    .openapi(status, async (c) => {
      const { wait } = c.req.valid("query");
      const row = await settledOrChanged(services, c, c.req.valid("param").id, wait * 1000);
      const { id, status, steps, started_at, done_at } = row;
      return c.json({ id, status, steps, started_at, done_at }, 200);
    })
    .openapi(similar, async (c) => {
      const { origin } = new URL(c.req.url);
      const row = await images.get(c.var.tenant, c.req.valid("param").id);
      const items = (await images.alike(row)).map(({ row, distance }) => ({
        ...summarize(row, links, origin),
        distance,
      }));
      return c.json({ items }, 200);
    })
    .openapi(exif, async (c) => {
      const row = await images.get(c.var.tenant, c.req.valid("param").id);
      return c.json(known(row, "exif", row.exif), 200);
    })
    .openapi(ocr, async (c) => {
      const row = await images.get(c.var.tenant, c.req.valid("param").id);
      const text = row.ocr?.has_text ? await images.text(row.tenant, row.id) : "";
      return c.json(known(row, "ocr", row.ocr && { ...row.ocr, text }), 200);
    })
    .openapi(ai, async (c) => {
      const row = await images.get(c.var.tenant, c.req.valid("param").id);
      return c.json(known(row, "vision", row.ai), 200);
    })
    .openapi(downloadUrl, async (c) => {
      const row = await images.get(c.var.tenant, c.req.valid("param").id);
      const link = links.file(originOf(c), row, "original", c.req.valid("query").expires_in);
      return c.json(link!, 200);
    })
    .openapi(thumbnailUrl, async (c) => {
      const row = await images.get(c.var.tenant, c.req.valid("param").id);
      const { size, expires_in } = c.req.valid("query");
      const link = links.file(originOf(c), row, size, expires_in);
      if (!link) throw new Problem("conflict", "The picture has no thumbnail (yet)");
      return c.json(link, 200);
    })
    .openapi(reprocess, async (c) => {
      const tenant = await tenants.get(c.var.tenant);
      const { steps } = c.req.valid("json");
      const { id, status } = await images.reprocess(tenant, c.req.valid("param").id, steps);
      return c.json({ id, status, message: "The pipeline runs again" }, 202);
    })
    .openapi(remove, async (c) => {
      await images.remove(c.var.tenant, c.req.valid("param").id);
      return c.body(null, 204);
    });

  /** The image once it differs from what it is now, is settled, or the wait is over. */
  async function settledOrChanged(
    { feed, clock }: Services,
    c: Context<Env>,
    id: string,
    waitMs: number,
  ): Promise<ImageRow> {
    const until = clock.now() + waitMs;
    const first = await images.getVersioned(c.var.tenant, id);
    let current = first;
    while (clock.now() < until && !c.req.raw.signal.aborted) {
      // Listen before looking, so that nothing slips through between the two.
      const news = feed.news(c.var.tenant, c.req.raw.signal);
      current = await images.getVersioned(c.var.tenant, id);
      if (current.version !== first.version || current.row.done_at) break;
      await news;
    }
    return current.row;
  }
}

const originOf = (c: Context<Env>) => new URL(c.req.url).origin;

/** A step's part; `conflict` while the step has not ended. */
function known<T>(row: ImageRow, step: string, value: T | null) {
  if (value) return value;
  const run = row.steps[step];
  if (run?.state === "skipped") return { state: "skipped" as const, reason: run.reason };
  const detail = run?.state === "failed"
    ? `Cannot tell: the step ${step} gave up (${run.reason})`
    : `Cannot tell yet: the step ${step} has not ended`;
  throw new Problem("conflict", detail);
}

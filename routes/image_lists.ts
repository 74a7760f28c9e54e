import { createRoute, z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import { covers } from "../lib/auth/scopes.ts";
import { Problem } from "../lib/errors.ts";
import { ImageStatus, ImageSummary, Quota, TagCount } from "../lib/model/image.ts";
import { Id } from "../lib/model/scalars.ts";
import type { Scope, Tenant } from "../lib/model/tenant.ts";
import type { Services } from "../lib/services.ts";
import { createRouter, type Env } from "./shared/app.ts";
import { summarize } from "./shared/image_view.ts";
import { pageUntil, Paging } from "./shared/paging.ts";
import { problems } from "./shared/problems.ts";
import { flag, periodEnd, periodStart } from "./shared/query.ts";
import { knownOnly, secured } from "./shared/secured.ts";

const MAX_BATCH = 100;

const text = (max: number, description: string) =>
  z.string().min(1).max(max).optional().openapi({ description });

const ImageQuery = Paging.extend({
  status: ImageStatus.optional(),
  tag: text(100, "A tag, whole"),
  text: text(
    200,
    "At most 10 words that all occur in name, tags, description or the text in the picture, " +
      "whatever their accents; the last one may be the beginning of a word",
  ),
  has_gps: flag,
  has_text: flag,
  camera: text(100, "Words that all occur in the camera's make or model"),
  camera_id: Id.optional(),
  from: periodStart("Taken in at this time or later"),
  to: periodEnd("Taken in at this time or before"),
  original_name: text(255, "How the file's name begins, whatever its case and accents"),
});

const list = createRoute({
  method: "get",
  path: "/images",
  tags: ["images"],
  summary: "List images, newest first, all or those that match every filter given",
  description: "With several filters a page may be short, or empty, and still have a next one.",
  ...secured("images:read"),
  request: { query: ImageQuery },
  responses: {
    200: {
      description: "A page of images",
      content: {
        "application/json": {
          schema: z.object({
            items: z.array(ImageSummary),
            next_cursor: z.string().nullable(),
            quota: Quota,
          }),
        },
      },
    },
    ...problems("invalid_request", "invalid_content"),
  },
});

const tags = createRoute({
  method: "get",
  path: "/images/tags/all",
  tags: ["images"],
  summary: "List the tags in use, most used first, 1,000 at most",
  ...secured("images:read"),
  responses: {
    200: {
      description: "The tags",
      content: { "application/json": { schema: z.object({ tags: z.array(TagCount) }) } },
    },
  },
});

const NEEDS = { delete: "images:delete", reprocess: "images:write" } as const;
type Action = keyof typeof NEEDS;

/** One of the two scopes to come in; the handler asks for the one that the action needs. */
const eitherScope: MiddlewareHandler<Env> = (c, next) =>
  knownOnly().middleware(c, async () => {
    requireScope(c, Object.values(NEEDS));
    await next();
  });

function requireScope(c: Context<Env>, any: Scope[]) {
  const { principal } = c.var;
  if (principal?.kind === "tenant" && any.some((scope) => covers(principal.scopes, [scope]))) {
    return;
  }
  throw new Problem("insufficient_scope", `This needs the scope "${any.join('" or "')}"`);
}

const batch = createRoute({
  method: "post",
  path: "/images/batch",
  tags: ["images"],
  summary: "Delete or reprocess several images",
  description: "Deleting needs the scope images:delete, reprocessing images:write.",
  ...secured(NEEDS.reprocess),
  middleware: eitherScope,
  request: {
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            ids: z.array(Id).min(1).max(MAX_BATCH),
            action: z.enum(["delete", "reprocess"]),
          }),
        },
      },
    },
  },
  responses: {
    200: {
      description: "What became of each, in the order asked: the status that it would have alone",
      content: {
        "application/json": {
          schema: z.object({
            results: z.array(
              z.object({ id: Id, status: z.number().int(), detail: z.string().optional() }),
            ),
          }),
        },
      },
    },
    ...problems("invalid_request", "invalid_content"),
  },
});

/** What is about many images at once. */
export function imageListRoutes({ images, tenants, quotas, links, cursors }: Services) {
  return createRouter()
    .openapi(list, async (c) => {
      const tenant = await tenants.get(c.var.tenant);
      const { limit: _limit, cursor: _cursor, ...filter } = c.req.valid("query");
      const found = await pageUntil(
        c,
        cursors,
        `images ${JSON.stringify(filter)}`,
        (limit, before) => images.list(tenant.id, limit, before, filter),
      );
      const { origin } = new URL(c.req.url);
      const items = found.items.map((row) => summarize(row, links, origin));
      return c.json({ ...found, items, quota: await quotas.read(tenant) }, 200);
    })
    .openapi(tags, async (c) => c.json({ tags: await images.tags(c.var.tenant) }, 200))
    .openapi(batch, async (c) => {
      const { ids, action } = c.req.valid("json");
      requireScope(c, [NEEDS[action]]);
      const tenant = await tenants.get(c.var.tenant);
      const results = [];
      for (const id of ids) results.push({ id, ...await actOn(tenant, id, action) });
      return c.json({ results }, 200);
    });

  async function actOn(tenant: Tenant, id: string, action: Action) {
    try {
      if (action === "delete") await images.remove(tenant.id, id);
      else await images.reprocess(tenant, id);
      return { status: action === "delete" ? 204 : 202 };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { status: error.status, detail: error.detail };
    }
  }
}

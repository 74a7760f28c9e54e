import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Draft, DraftPatch, type DraftRow, DraftStatus } from "../lib/model/draft.ts";
import { Id } from "../lib/model/scalars.ts";
import type { Services } from "../lib/services.ts";
import { createRouter, type Env } from "./shared/app.ts";
import { json, paged } from "./shared/json.ts";
import { checkMatch, present, tagOf } from "./shared/draft_view.ts";
import { notModified } from "./shared/etag.ts";
import { page, Paging } from "./shared/paging.ts";
import { problems } from "./shared/problems.ts";
import { secured } from "./shared/secured.ts";

const params = z.object({ id: Id });
const tags = ["listings"];
const refusals = [
  "not_found",
  "precondition_failed",
  "invalid_content",
] as const;

const list = createRoute({
  method: "get",
  path: "/api/v1/listings",
  tags,
  summary: "List the tenant's listings, newest first",
  ...secured("images:read", "v1"),
  request: { query: Paging.extend({ status: DraftStatus.optional() }) },
  responses: {
    200: json(
      "A page of listings",
      paged(Draft),
    ),
    ...problems("invalid_request", "invalid_content"),
  },
});

const details = createRoute({
  method: "get",
  path: "/api/v1/listings/{id}",
  tags,
  summary: "Read one listing",
  ...secured("images:read", "v1"),
  request: { params },
  responses: {
    200: json("The listing", Draft),
    304: { description: "Not modified" },
    ...problems("not_found", "invalid_content"),
  },
});

const patch = createRoute({
  method: "patch",
  path: "/api/v1/listings/{id}",
  tags,
  summary: "Change a listing: its words, its price, its photos and their order",
  ...secured("images:write", "v1"),
  request: { params, body: { required: true, ...json("", DraftPatch) } },
  responses: {
    200: json("The listing as it is now", Draft),
    ...problems("invalid_request", ...refusals),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/api/v1/listings/{id}",
  tags,
  summary: "Delete a listing, and the photos that no other one shows",
  ...secured("images:delete", "v1"),
  request: { params },
  responses: { 204: { description: "Gone" }, ...problems(...refusals) },
});

const publish = createRoute({
  method: "post",
  path: "/api/v1/listings/{id}/publish",
  tags,
  summary: "Publish a listing that has a title and a photo",
  ...secured("images:write", "v1"),
  request: { params },
  responses: {
    200: json("The published listing", Draft),
    ...problems("invalid_request", ...refusals),
  },
});

const suggest = createRoute({
  method: "post",
  path: "/api/v1/listings/{id}/suggest",
  tags,
  summary: "Have a model write title, description and price from the photos",
  ...secured("ai:use", "v1"),
  request: {
    params,
    body: {
      required: false,
      ...json(
        "",
        z.object({
          language: z.string().trim().min(1).max(40).optional().openapi({ example: "français" }),
        }),
      ),
    },
  },
  responses: {
    200: json("The listing as the model wrote it", Draft),
    ...problems(
      "invalid_request",
      ...refusals,
      "forbidden",
      "conflict",
      "budget_exceeded",
      "upstream_failed",
      "ai_unavailable",
      "upstream_timeout",
    ),
  },
});

/** Listings, from draft to published. */
export function listingRoutes(services: Services) {
  const { cursors, drafts, suggestions, tenants } = services;

  const show = (c: Context<Env>, row: DraftRow) => {
    c.header("ETag", tagOf(row, services));
    return present(row, services);
  };

  return createRouter()
    .openapi(list, async (c) => {
      const status = c.req.valid("query").status ?? null;
      const { items, next_cursor } = await page(
        c,
        cursors,
        `listings:${status}`,
        (limit, before) => drafts.list(c.var.tenant, status, limit, before),
      );
      return c.json({ items: items.map((row) => present(row, services)), next_cursor }, 200);
    })
    .openapi(details, async (c) => {
      const row = await drafts.get(c.var.tenant, c.req.valid("param").id);
      if (notModified(c, tagOf(row, services))) return c.body(null, 304);
      return c.json(present(row, services), 200);
    })
    .openapi(patch, async (c) => {
      const { id } = c.req.valid("param");
      const row = await drafts.patch(c.var.tenant, id, c.req.valid("json"), checkMatch(c));
      return c.json(show(c, row), 200);
    })
    .openapi(remove, async (c) => {
      await drafts.remove(c.var.tenant, c.req.valid("param").id, checkMatch(c));
      return c.body(null, 204);
    })
    .openapi(publish, async (c) => {
      const row = await drafts.publish(c.var.tenant, c.req.valid("param").id, checkMatch(c));
      return c.json(show(c, row), 200);
    })
    .openapi(suggest, async (c) => {
      const tenant = await tenants.get(c.var.tenant);
      const { language } = c.req.valid("json");
      const row = await suggestions.fill(
        tenant,
        c.req.valid("param").id,
        { language, check: checkMatch(c) },
        c.req.raw.signal,
      );
      return c.json(show(c, row), 200);
    });
}

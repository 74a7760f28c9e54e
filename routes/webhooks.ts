import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Id } from "../lib/model/scalars.ts";
import {
  Delivery,
  NewWebhook,
  SecretRotation,
  Webhook,
  WebhookPatch,
  type WebhookRow,
} from "../lib/model/webhook.ts";
import type { Services } from "../lib/services.ts";
import { viewOf } from "../lib/webhooks.ts";
import { viewOf as deliveryViewOf } from "../lib/webhooks/deliveries.ts";
import { createRouter, type Env } from "./shared/app.ts";
import { checkMatch, notModified, versionTag } from "./shared/etag.ts";
import { idempotent } from "./shared/idempotency.ts";
import { json, paged } from "./shared/json.ts";
import { page, Paging } from "./shared/paging.ts";
import { problems } from "./shared/problems.ts";
import { callerOf, secured } from "./shared/secured.ts";

const params = z.object({ id: Id });
const tags = ["webhooks"];
const refusals = ["not_found", "precondition_failed", "invalid_content"] as const;

const list = createRoute({
  method: "get",
  path: "/webhooks",
  tags,
  summary: "List webhooks, newest first",
  ...secured("admin"),
  request: { query: Paging },
  responses: {
    200: json("A page of webhooks", paged(Webhook)),
    ...problems("invalid_request", "invalid_content"),
  },
});

const create = createRoute({
  method: "post",
  path: "/webhooks",
  tags,
  summary: "Have an address told what happens; its secret is shown this once",
  description: "Messages are signed as Standard Webhooks (standardwebhooks.com) says.",
  ...idempotent(secured("admin"), { secret: true }),
  request: { body: { required: true, ...json("", NewWebhook) } },
  responses: {
    201: json("The webhook", Webhook.extend({ secret: z.string() })),
    ...problems("invalid_request", "conflict", "invalid_content"),
  },
});

const details = createRoute({
  method: "get",
  path: "/webhooks/{id}",
  tags,
  summary: "Read one webhook",
  ...secured("admin"),
  request: { params },
  responses: {
    200: json("The webhook", Webhook),
    304: { description: "Not modified" },
    ...problems("not_found", "invalid_content"),
  },
});

const patch = createRoute({
  method: "patch",
  path: "/webhooks/{id}",
  tags,
  summary: "Change where and what a webhook is told, or whether",
  ...secured("admin"),
  request: { params, body: { required: true, ...json("", WebhookPatch) } },
  responses: {
    200: json("The webhook as it is now", Webhook),
    ...problems("invalid_request", ...refusals),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/webhooks/{id}",
  tags,
  summary: "Delete a webhook and its deliveries",
  ...secured("admin"),
  request: { params },
  responses: { 204: { description: "Gone" }, ...problems(...refusals) },
});

const rotate = createRoute({
  method: "post",
  path: "/webhooks/{id}/rotate-secret",
  tags,
  summary: "Sign with another secret, shown this once; the one before signs beside it for a while",
  ...idempotent(secured("admin"), { secret: true }),
  request: { params, body: { required: true, ...json("", SecretRotation) } },
  responses: {
    200: json("The webhook", Webhook.extend({ secret: z.string() })),
    ...problems("invalid_request", "conflict", ...refusals),
  },
});

const deliveriesOf = createRoute({
  method: "get",
  path: "/webhooks/{id}/deliveries",
  tags,
  summary: "List what a webhook was and is to be told, newest first; kept for about 7 days",
  ...secured("admin"),
  request: { params, query: Paging },
  responses: {
    200: json("A page of deliveries", paged(Delivery)),
    ...problems("invalid_request", "not_found", "invalid_content"),
  },
});

const replay = createRoute({
  method: "post",
  path: "/webhooks/{id}/deliveries/{delivery_id}/replay",
  tags,
  summary: "Send a delivery again, under the same webhook-id",
  ...secured("admin"),
  request: { params: params.extend({ delivery_id: Id }) },
  responses: {
    202: json("The delivery, which waits", Delivery),
    ...problems("not_found", "conflict", "gone", "invalid_content"),
  },
});

/** Where a tenant's own programs are told what happens. */
export function webhookRoutes({ webhooks, deliveries, cursors }: Services) {
  return createRouter()
    .openapi(list, async (c) => {
      const { items, next_cursor } = await page(
        c,
        cursors,
        "webhooks",
        (limit, before) => webhooks.list(c.var.tenant, limit, before),
      );
      return c.json({ items: items.map(viewOf), next_cursor }, 200);
    })
    .openapi(create, async (c) => {
      const { row, secret } = await webhooks.create(callerOf(c), c.req.valid("json"));
      c.header("Location", `/webhooks/${row.id}`);
      return c.json({ ...show(c, row), secret }, 201);
    })
    .openapi(details, async (c) => {
      const row = await webhooks.get(c.var.tenant, c.req.valid("param").id);
      return notModified(c, versionTag(row)) ? c.body(null, 304) : c.json(viewOf(row), 200);
    })
    .openapi(patch, async (c) => {
      const { id } = c.req.valid("param");
      const row = await webhooks.patch(callerOf(c), id, c.req.valid("json"), checkMatch(c));
      return c.json(show(c, row), 200);
    })
    .openapi(remove, async (c) => {
      await webhooks.remove(callerOf(c), c.req.valid("param").id, checkMatch(c));
      return c.body(null, 204);
    })
    .openapi(rotate, async (c) => {
      const { id } = c.req.valid("param");
      const { grace_seconds } = c.req.valid("json");
      const graceMs = grace_seconds * 1000;
      const { row, secret } = await webhooks.rotate(callerOf(c), id, graceMs, checkMatch(c));
      return c.json({ ...show(c, row), secret }, 200);
    })
    .openapi(deliveriesOf, async (c) => {
      const { id } = await webhooks.get(c.var.tenant, c.req.valid("param").id);
      const { items, next_cursor } = await page(
        c,
        cursors,
        `deliveries ${id}`,
        (limit, before) => deliveries.list(c.var.tenant, id, limit, before),
      );
      return c.json({ items: items.map(deliveryViewOf), next_cursor }, 200);
    })
    .openapi(replay, async (c) => {
      const { id, delivery_id } = c.req.valid("param");
      const row = await deliveries.replay(callerOf(c), id, delivery_id);
      return c.json(deliveryViewOf(row), 202);
    });
}

function show(c: Context<Env>, row: WebhookRow): Webhook {
  c.header("ETag", versionTag(row));
  return viewOf(row);
}

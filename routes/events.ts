import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { viewOf } from "../lib/events.ts";
import {
  Event,
  EventPatch,
  type EventRow,
  EventSeverity,
  EventStats,
  EventType,
  NewEvent,
} from "../lib/model/event.ts";
import { Id } from "../lib/model/scalars.ts";
import type { Services } from "../lib/services.ts";
import { createRouter, type Env } from "./shared/app.ts";
import { checkMatch, notModified, versionTag } from "./shared/etag.ts";
import { idempotent } from "./shared/idempotency.ts";
import { json, paged } from "./shared/json.ts";
import { pageUntil, Paging } from "./shared/paging.ts";
import { problems } from "./shared/problems.ts";
import { flag, periodEnd, periodStart } from "./shared/query.ts";
import { callerOf, secured } from "./shared/secured.ts";

const params = z.object({ id: Id });
const tags = ["events"];
const refusals = ["not_found", "precondition_failed", "invalid_content"] as const;

const EventQuery = Paging.extend({
  camera_id: Id.optional(),
  type: EventType.optional(),
  severity: EventSeverity.optional(),
  acknowledged: flag,
  from: periodStart("Occurred at this time or later"),
  to: periodEnd("Occurred at this time or before"),
});

const list = createRoute({
  method: "get",
  path: "/api/events",
  tags,
  summary: "List events by when they occurred, newest first, all or those that match every filter",
  description: "With several filters a page may be short, or empty, and still have a next one.",
  ...secured("events:read"),
  request: { query: EventQuery },
  responses: {
    200: json("A page of events", paged(Event)),
    ...problems("invalid_request", "invalid_content"),
  },
});

const create = createRoute({
  method: "post",
  path: "/api/events",
  tags,
  summary: "Tell of something that was seen",
  ...idempotent(secured("events:write")),
  request: { body: { required: true, ...json("", NewEvent) } },
  responses: {
    201: json("The event", Event),
    ...problems("invalid_request", "conflict", "invalid_content"),
  },
});

const stats = createRoute({
  method: "get",
  path: "/api/events/stats",
  tags,
  summary: "Count the events by type, severity, camera and day",
  ...secured("events:read"),
  request: {
    query: z.object({
      days: z.coerce.number().int().min(1).max(90).default(7).openapi({
        description: "So many last days are told one by one",
      }),
    }),
  },
  responses: { 200: json("What there is now", EventStats), ...problems("invalid_content") },
});

const details = createRoute({
  method: "get",
  path: "/api/events/{id}",
  tags,
  summary: "Read one event",
  ...secured("events:read"),
  request: { params },
  responses: {
    200: json("The event", Event),
    304: { description: "Not modified" },
    ...problems("not_found", "invalid_content"),
  },
});

const patch = createRoute({
  method: "patch",
  path: "/api/events/{id}",
  tags,
  summary: "Note, rate, describe or acknowledge an event",
  ...secured("events:write"),
  request: { params, body: { required: true, ...json("", EventPatch) } },
  responses: {
    200: json("The event as it is now", Event),
    ...problems("invalid_request", ...refusals),
  },
});

const acknowledge = createRoute({
  method: "post",
  path: "/api/events/{id}/acknowledge",
  tags,
  summary: "Say that you have seen to an event; the first to say so stays named",
  ...secured("events:write"),
  request: { params },
  responses: { 200: json("The event", Event), ...problems(...refusals) },
});

const remove = createRoute({
  method: "delete",
  path: "/api/events/{id}",
  tags,
  summary: "Delete an event, and the frame that a camera made for it",
  ...secured("events:write"),
  request: { params },
  responses: { 204: { description: "Gone" }, ...problems(...refusals) },
});

/** What cameras and others have seen. */
export function eventRoutes({ events, cursors }: Services) {
  return createRouter()
    .openapi(list, async (c) => {
      const { limit: _, cursor: __, ...filter } = c.req.valid("query");
      const { items, next_cursor } = await pageUntil(
        c,
        cursors,
        `events ${JSON.stringify(filter)}`,
        (limit, before) => events.list(c.var.tenant, filter, limit, before),
      );
      return c.json({ items: items.map(viewOf), next_cursor }, 200);
    })
    .openapi(create, async (c) => {
      const row = await events.create(c.var.tenant, c.req.valid("json"));
      c.header("Location", `/api/events/${row.id}`);
      return c.json(show(c, row), 201);
    })
    .openapi(stats, async (c) => {
      return c.json(await events.stats(c.var.tenant, c.req.valid("query").days), 200);
    })
    .openapi(details, async (c) => {
      const row = await events.get(c.var.tenant, c.req.valid("param").id);
      return notModified(c, versionTag(row)) ? c.body(null, 304) : c.json(viewOf(row), 200);
    })
    .openapi(patch, async (c) => {
      const { id } = c.req.valid("param");
      const { subject } = callerOf(c);
      const change = c.req.valid("json");
      const row = await events.patch(c.var.tenant, id, change, subject, checkMatch(c));
      return c.json(show(c, row), 200);
    })
    .openapi(acknowledge, async (c) => {
      const { id } = c.req.valid("param");
      const { subject } = callerOf(c);
      const row = await events.acknowledge(c.var.tenant, id, subject, checkMatch(c));
      return c.json(show(c, row), 200);
    })
    .openapi(remove, async (c) => {
      await events.remove(c.var.tenant, c.req.valid("param").id, checkMatch(c));
      return c.body(null, 204);
    });
}

function show(c: Context<Env>, row: EventRow): Event {
  c.header("ETag", versionTag(row));
  return viewOf(row);
}

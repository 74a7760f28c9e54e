import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type CameraWithState, viewOf } from "../lib/cameras.ts";
import {
  Camera,
  CameraPatch,
  type CameraRow,
  CameraStats,
  NewCamera,
} from "../lib/model/camera.ts";
import { DiscoveredCamera, DiscoveryRequest } from "../lib/model/discovery.ts";
import { Id } from "../lib/model/scalars.ts";
import type { Services } from "../lib/services.ts";
import { createRouter, type Env } from "./shared/app.ts";
import { ifMatch, notModified } from "./shared/etag.ts";
import { idempotent } from "./shared/idempotency.ts";
import { json, paged } from "./shared/json.ts";
import { pageUntil, Paging } from "./shared/paging.ts";
import { problems } from "./shared/problems.ts";
import { callerOf, secured } from "./shared/secured.ts";

const params = z.object({ id: Id });
const tags = ["cameras"];
const refusals = ["not_found", "precondition_failed", "invalid_content"] as const;

const list = createRoute({
  method: "get",
  path: "/api/cameras",
  tags,
  summary: "List the tenant's cameras and how they do, newest first",
  ...secured("cameras:read"),
  request: { query: Paging },
  responses: {
    200: json("A page of cameras", paged(Camera)),
    ...problems("invalid_request", "invalid_content"),
  },
});

const create = createRoute({
  method: "post",
  path: "/api/cameras",
  tags,
  summary: "Add a camera; it is not started yet",
  ...idempotent(secured("cameras:write")),
  request: { body: { required: true, ...json("", NewCamera) } },
  responses: {
    201: json("The camera", Camera),
    ...problems("invalid_request", "conflict", "invalid_content"),
  },
});

const details = createRoute({
  method: "get",
  path: "/api/cameras/{id}",
  tags,
  summary: "Read one camera and how it does",
  ...secured("cameras:read"),
  request: { params },
  responses: {
    200: json("The camera", Camera),
    304: { description: "Not modified" },
    ...problems("not_found", "invalid_content"),
  },
});

const change = createRoute({
  method: "put",
  path: "/api/cameras/{id}",
  tags,
  summary:
    "Change a camera; what is left out stays, and so does an address that is sent back masked",
  ...secured("cameras:write"),
  request: { params, body: { required: true, ...json("", CameraPatch) } },
  responses: {
    200: json("The camera as it is now", Camera),
    ...problems("invalid_request", ...refusals),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/api/cameras/{id}",
  tags,
  summary: "Stop and delete a camera; its events stay",
  ...secured("cameras:write"),
  request: { params },
  responses: { 204: { description: "Gone" }, ...problems(...refusals) },
});

const start = createRoute({
  method: "post",
  path: "/api/cameras/{id}/start",
  tags,
  summary: "Watch a camera from now on, over restarts too; starting again changes nothing",
  ...secured("cameras:write"),
  request: { params },
  responses: { 200: json("The camera", Camera), ...problems(...refusals) },
});

const stop = createRoute({
  method: "post",
  path: "/api/cameras/{id}/stop",
  tags,
  summary: "Watch a camera no more; stopping again changes nothing",
  ...secured("cameras:write"),
  request: { params },
  responses: { 200: json("The camera", Camera), ...problems(...refusals) },
});

const discover = createRoute({
  method: "post",
  path: "/api/cameras/discover",
  tags,
  summary: "Ask the local network for ONVIF cameras",
  description:
    "Clients but the first are told of those alone that may be added. Whoever asks within 5 s of " +
    "another shares its answers.",
  ...secured("admin"),
  request: { body: { required: false, ...json("", DiscoveryRequest) } },
  responses: {
    200: json("Who answered", z.object({ items: z.array(DiscoveredCamera) })),
    ...problems("invalid_request", "invalid_content", "unavailable"),
  },
});

const stats = createRoute({
  method: "get",
  path: "/api/cameras/{id}/stats",
  tags,
  summary: "Tell a camera's figures, at most some seconds old",
  ...secured("cameras:read"),
  request: { params },
  responses: { 200: json("Its figures", CameraStats), ...problems("not_found", "invalid_content") },
});

/** Cameras that Imago watches. */
export function cameraRoutes({ cameras, cursors, nearby, tenants }: Services) {
  return createRouter()
    .openapi(list, async (c) => {
      const { items, next_cursor } = await pageUntil(
        c,
        cursors,
        "cameras",
        async (limit, before) => {
          const found = await cameras.list(c.var.tenant, limit + 1, before);
          const items = found.slice(0, limit);
          return { items, next: found.length > limit ? items.at(-1)!.row.id : null };
        },
      );
      return c.json({ items: items.map(viewOf), next_cursor }, 200);
    })
    .openapi(create, async (c) => {
      const camera = await cameras.add(c.var.tenant, c.req.valid("json"));
      c.header("Location", `/api/cameras/${camera.row.id}`);
      return c.json(show(c, camera), 201);
    })
    .openapi(discover, async (c) => {
      // Without a body the schema's own standard is not filled in.
      const { timeout_s } = DiscoveryRequest.parse(c.req.valid("json") ?? {});
      const everything = c.var.tenant === await tenants.findFirst();
      const items = await nearby.find(callerOf(c), timeout_s * 1000, everything);
      return c.json({ items }, 200);
    })
    .openapi(details, async (c) => {
      const camera = await cameras.get(c.var.tenant, c.req.valid("param").id);
      return notModified(c, tagOf(camera)) ? c.body(null, 304) : c.json(viewOf(camera), 200);
    })
    .openapi(change, async (c) => {
      const { id } = c.req.valid("param");
      const patch = c.req.valid("json");
      return c.json(show(c, await cameras.change(c.var.tenant, id, patch, checkMatch(c))), 200);
    })
    .openapi(remove, async (c) => {
      await cameras.remove(c.var.tenant, c.req.valid("param").id, checkMatch(c));
      return c.body(null, 204);
    })
    .openapi(start, async (c) => {
      const { id } = c.req.valid("param");
      return c.json(show(c, await cameras.start(c.var.tenant, id, checkMatch(c))), 200);
    })
    .openapi(stop, async (c) => {
      const { id } = c.req.valid("param");
      return c.json(show(c, await cameras.stop(c.var.tenant, id, checkMatch(c))), 200);
    })
    .openapi(stats, async (c) => {
      return c.json(await cameras.stats(c.var.tenant, c.req.valid("param").id), 200);
    });
}

function show(c: Context<Env>, camera: CameraWithState) {
  c.header("ETag", tagOf(camera));
  return viewOf(camera);
}

/** Names what is shown: the settings, and how the camera does. */
function tagOf({ row, state }: CameraWithState): string {
  return `"${row.version}-${state.status}-${Date.parse(state.since)}"`;
}

/** Refuses a change when If-Match names other settings; how the camera does may have changed. */
function checkMatch(c: Context<Env>): (row: CameraRow) => void {
  const check = ifMatch(c);
  const wanted = c.req.header("If-Match") ?? "";
  return ({ version }) =>
    check(new RegExp(`"(${version}-[^"]*)"`).exec(wanted)?.[1] ?? String(version));
}

import { createRoute, z } from "@hono/zod-openapi";
import { Erasure } from "../lib/model/audit.ts";
import { NewTenant, Tenant, TenantPatch } from "../lib/model/tenant.ts";
import { Id } from "../lib/model/scalars.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { json, paged } from "./shared/json.ts";
import { ifMatch, notModified } from "./shared/etag.ts";
import { idempotent } from "./shared/idempotency.ts";
import { page, Paging } from "./shared/paging.ts";
import { problems } from "./shared/problems.ts";
import { masterOnly } from "./shared/secured.ts";

const MAX_GRACE_SECONDS = 30 * 24 * 60 * 60;

const params = z.object({ id: Id });
const WithKey = Tenant.extend({ api_key: z.string() });
const Rotation = z.strictObject({
  grace_seconds: z.number().int().min(0).max(MAX_GRACE_SECONDS).default(0).openapi({
    description: "How long the key before it still works",
  }),
});
const Confirmation = z.strictObject({
  confirm: z.string().optional().openapi({ description: "The client's name" }),
});

const create = createRoute({
  method: "post",
  path: "/auth/clients",
  tags: ["clients"],
  summary: "Create a client; its key is shown this once",
  ...idempotent(masterOnly(), { secret: true }),
  request: { body: { required: true, ...json("", NewTenant) } },
  responses: {
    201: json("The client and its key", WithKey),
    ...problems("invalid_request", "conflict", "invalid_content"),
  },
});

const list = createRoute({
  method: "get",
  path: "/auth/clients",
  tags: ["clients"],
  summary: "List clients, newest first",
  ...masterOnly(),
  request: { query: Paging },
  responses: {
    200: json(
      "A page of clients",
      paged(Tenant),
    ),
    ...problems("invalid_request", "invalid_content"),
  },
});

const details = createRoute({
  method: "get",
  path: "/auth/clients/{id}",
  tags: ["clients"],
  summary: "Read one client",
  ...masterOnly(),
  request: { params },
  responses: {
    200: json("The client", Tenant),
    304: { description: "Not modified" },
    ...problems("not_found", "invalid_content"),
  },
});

const change = createRoute({
  method: "patch",
  path: "/auth/clients/{id}",
  tags: ["clients"],
  summary: "Change a client; its keys follow at once",
  ...masterOnly(),
  request: { params, body: { required: true, ...json("", TenantPatch) } },
  responses: {
    200: json("The client as it is now", Tenant),
    ...problems(
      "invalid_request",
      "not_found",
      "conflict",
      "precondition_failed",
      "invalid_content",
    ),
  },
});

const rotate = createRoute({
  method: "post",
  path: "/auth/clients/{id}/rotate-key",
  tags: ["clients"],
  summary: "Replace a client's main key; the new one is shown this once",
  ...idempotent(masterOnly(), { secret: true }),
  request: { params, body: { required: false, ...json("", Rotation) } },
  responses: {
    200: json("The client and its new key", WithKey),
    ...problems("invalid_request", "not_found", "conflict", "invalid_content"),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/auth/clients/{id}",
  tags: ["clients"],
  summary: "Deactivate a client, or with `erase=true` erase it with everything it has",
  ...masterOnly(),
  request: {
    params,
    query: z.object({ erase: z.enum(["true", "false"]).default("false") }),
    body: { required: false, ...json("Only to erase", Confirmation) },
  },
  responses: {
    200: json("The receipt of the erasure", Erasure),
    204: { description: "Deactivated; its data is kept" },
    ...problems(
      "invalid_request",
      "not_found",
      "conflict",
      "precondition_failed",
      "invalid_content",
    ),
  },
});

/** The operator's view of the tenants, for the master key. */
export function clientRoutes({ tenants, erasures, keys, cursors }: Services) {
  return createRouter()
    .openapi(create, async (c) => {
      const { tenant, apiKey } = await tenants.create(c.req.valid("json"));
      return c.json({ ...tenant, api_key: apiKey }, 201, {
        Location: `/auth/clients/${tenant.id}`,
      });
    })
    .openapi(list, async (c) => c.json(await page(c, cursors, "clients", tenants.list), 200))
    .openapi(details, async (c) => {
      const { tenant, version } = await tenants.getVersioned(c.req.valid("param").id);
      if (notModified(c, `"${version}"`)) return c.body(null, 304);
      return c.json(tenant, 200);
    })
    .openapi(change, async (c) => {
      const { id } = c.req.valid("param");
      await tenants.patch(id, c.req.valid("json"), "master", ifMatch(c));
      const { tenant, version } = await tenants.getVersioned(id);
      return c.json(tenant, 200, { ETag: `"${version}"` });
    })
    .openapi(rotate, async (c) => {
      const { id } = c.req.valid("param");
      const { grace_seconds = 0 } = c.req.valid("json");
      const { secret } = await keys.rotate(id, grace_seconds * 1000, "master");
      return c.json({ ...await tenants.get(id), api_key: secret }, 200, {
        Location: `/auth/clients/${id}`,
      });
    })
    .openapi(remove, async (c) => {
      const { id } = c.req.valid("param");
      if (c.req.valid("query").erase === "true") {
        const { confirm = "" } = c.req.valid("json");
        return c.json(await erasures.erase(id, confirm, "master"), 200);
      }
      await tenants.patch(id, { active: false }, "master", ifMatch(c));
      return c.body(null, 204);
    });
}

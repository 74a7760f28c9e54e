import { createRoute, z } from "@hono/zod-openapi";
import { NewTenant, Tenant } from "../lib/model/tenant.ts";
import { Id } from "../lib/model/scalars.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { page, Paging } from "./shared/paging.ts";
import { problems } from "./shared/problems.ts";
import { masterOnly } from "./shared/secured.ts";

const json = <S extends z.ZodType>(description: string, schema: S) => ({
  description,
  content: { "application/json": { schema } },
});

const create = createRoute({
  method: "post",
  path: "/auth/clients",
  tags: ["clients"],
  summary: "Create a client; its key is shown this once",
  ...masterOnly(),
  request: { body: { required: true, ...json("", NewTenant) } },
  responses: {
    201: json("The client and its key", Tenant.extend({ api_key: z.string() })),
    ...problems("invalid_request", "unauthorized", "insufficient_scope", "invalid_content"),
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
      z.object({ items: z.array(Tenant), next_cursor: z.string().nullable() }),
    ),
    ...problems("invalid_request", "unauthorized", "insufficient_scope", "invalid_content"),
  },
});

const details = createRoute({
  method: "get",
  path: "/auth/clients/{id}",
  tags: ["clients"],
  summary: "Read one client",
  ...masterOnly(),
  request: { params: z.object({ id: Id }) },
  responses: {
    200: json("The client", Tenant),
    ...problems("unauthorized", "insufficient_scope", "not_found", "invalid_content"),
  },
});

/** The operator's view of the tenants, for the master key. */
export function clientRoutes({ tenants, cursors }: Services) {
  return createRouter()
    .openapi(create, async (c) => {
      const { tenant, apiKey } = await tenants.create(c.req.valid("json"));
      return c.json({ ...tenant, api_key: apiKey }, 201, {
        Location: `/auth/clients/${tenant.id}`,
      });
    })
    .openapi(list, async (c) => c.json(await page(c, cursors, "clients", tenants.list), 200))
    .openapi(details, async (c) => c.json(await tenants.get(c.req.valid("param").id), 200));
}

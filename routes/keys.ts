import { createRoute, z } from "@hono/zod-openapi";
import { Quota } from "../lib/model/image.ts";
import { Id } from "../lib/model/scalars.ts";
import { type ApiKey, ApiKeyView, NewApiKey, Plan, Scope } from "../lib/model/tenant.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { json, paged } from "./shared/json.ts";
import { idempotent } from "./shared/idempotency.ts";
import { page, Paging } from "./shared/paging.ts";
import { problems } from "./shared/problems.ts";
import { callerOf, knownOnly, secured } from "./shared/secured.ts";

const Me = z.object({
  subject: z.string().openapi({ example: "key:0197a3f0-5c1e-7b3a-9d51-6f0e3a1b2c4d" }),
  scopes: z.array(Scope),
  tenant: z.object({ id: Id, name: z.string(), plan: Plan }).nullable().openapi({
    description: "null for the master key",
  }),
  quota: Quota.nullable(),
}).openapi("Me");

const me = createRoute({
  method: "get",
  path: "/auth/me",
  tags: ["keys"],
  summary: "See who you are here",
  ...knownOnly(),
  responses: { 200: json("You", Me), ...problems() },
});

const list = createRoute({
  method: "get",
  path: "/auth/keys",
  tags: ["keys"],
  summary: "List the keys of your tenant, newest first",
  ...secured("admin"),
  request: { query: Paging },
  responses: {
    200: json(
      "A page of keys",
      paged(ApiKeyView),
    ),
    ...problems("invalid_request", "invalid_content"),
  },
});

const create = createRoute({
  method: "post",
  path: "/auth/keys",
  tags: ["keys"],
  summary: "Make a further key; it is shown this once",
  ...idempotent(secured("admin"), { secret: true }),
  request: { body: { required: true, ...json("", NewApiKey) } },
  responses: {
    201: json("The key", ApiKeyView.extend({ api_key: z.string() })),
    ...problems("invalid_request", "conflict", "invalid_content"),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/auth/keys/{id}",
  tags: ["keys"],
  summary: "Delete a key: it is refused from then on",
  ...secured("admin"),
  request: { params: z.object({ id: Id }) },
  responses: {
    204: { description: "Gone" },
    ...problems("not_found", "invalid_content"),
  },
});

/** Who one is, and the keys of one's tenant. */
export function keyRoutes({ keys, tenants, quotas, cursors }: Services) {
  return createRouter()
    .openapi(me, async (c) => {
      const { principal } = c.var;
      if (principal?.kind !== "tenant") {
        return c.json({ subject: "master", scopes: [], tenant: null, quota: null }, 200);
      }
      const tenant = await tenants.get(principal.tenant);
      const { id, name, plan } = tenant;
      return c.json({
        subject: principal.subject,
        scopes: [...principal.scopes],
        tenant: { id, name, plan },
        quota: await quotas.read(tenant),
      }, 200);
    })
    .openapi(list, async (c) => {
      const { items, next_cursor } = await page(
        c,
        cursors,
        "keys",
        (limit, before) => keys.list(c.var.tenant, limit, before),
      );
      return c.json({ items: items.map(view), next_cursor }, 200);
    })
    .openapi(create, async (c) => {
      const { key, secret } = await keys.create(callerOf(c), c.req.valid("json"));
      return c.json({ ...view(key), api_key: secret }, 201, { Location: `/auth/keys/${key.id}` });
    })
    .openapi(remove, async (c) => {
      await keys.remove(callerOf(c), c.req.valid("param").id);
      return c.body(null, 204);
    });
}

const view = ({ tenant: _, sha256: __, ...shown }: ApiKey): ApiKeyView => shown;

import { createRoute, z } from "@hono/zod-openapi";
import { viewOf } from "../lib/auth/sessions.ts";
import { Id } from "../lib/model/scalars.ts";
import { NewUser, UserPatch, UserView } from "../lib/model/user.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { ifMatch, notModified } from "./shared/etag.ts";
import { idempotent } from "./shared/idempotency.ts";
import { json, paged } from "./shared/json.ts";
import { page, Paging } from "./shared/paging.ts";
import { problems } from "./shared/problems.ts";
import { callerOf, secured } from "./shared/secured.ts";

const params = z.object({ id: Id });

const list = createRoute({
  method: "get",
  path: "/api/users",
  tags: ["users"],
  summary: "List the users of your tenant, newest first",
  ...secured("admin"),
  request: { query: Paging },
  responses: {
    200: json("A page of users", paged(UserView)),
    ...problems("invalid_request", "invalid_content"),
  },
});

const create = createRoute({
  method: "post",
  path: "/api/users",
  tags: ["users"],
  summary: "Create a user",
  ...idempotent(secured("admin")),
  request: { body: { required: true, ...json("", NewUser) } },
  responses: {
    201: json("The user", UserView),
    ...problems("invalid_request", "conflict", "invalid_content", "unavailable"),
  },
});

const details = createRoute({
  method: "get",
  path: "/api/users/{id}",
  tags: ["users"],
  summary: "Read one user",
  ...secured("admin"),
  request: { params },
  responses: {
    200: json("The user", UserView),
    304: { description: "Not modified" },
    ...problems("not_found", "invalid_content"),
  },
});

const change = createRoute({
  method: "patch",
  path: "/api/users/{id}",
  tags: ["users"],
  summary: "Change a user; a new password or `active: false` ends the user's sessions",
  ...secured("admin"),
  request: { params, body: { required: true, ...json("", UserPatch) } },
  responses: {
    200: json("The user as it is now", UserView),
    ...problems(
      "invalid_request",
      "not_found",
      "conflict",
      "precondition_failed",
      "invalid_content",
      "unavailable",
    ),
  },
});

const remove = createRoute({
  method: "delete",
  path: "/api/users/{id}",
  tags: ["users"],
  summary: "Delete a user: the user's tokens are refused from then on",
  ...secured("admin"),
  request: { params },
  responses: {
    204: { description: "Gone" },
    ...problems("not_found", "precondition_failed", "invalid_content"),
  },
});

/** The users of one's tenant. */
export function userRoutes({ users, cursors }: Services) {
  return createRouter()
    .openapi(list, async (c) => {
      const { tenant } = c.var;
      const { items, next_cursor } = await page(
        c,
        cursors,
        "users",
        (limit, before) => users.list(tenant, limit, before),
      );
      return c.json({ items: items.map(viewOf), next_cursor }, 200);
    })
    .openapi(create, async (c) => {
      const user = await users.create(callerOf(c), c.req.valid("json"));
      return c.json(viewOf(user), 201, { Location: `/api/users/${user.id}` });
    })
    .openapi(details, async (c) => {
      const { user, version } = await users.getVersioned(c.var.tenant, c.req.valid("param").id);
      if (notModified(c, `"${version}"`)) return c.body(null, 304);
      return c.json(viewOf(user), 200);
    })
    .openapi(change, async (c) => {
      const { id } = c.req.valid("param");
      await users.patch(callerOf(c), id, c.req.valid("json"), ifMatch(c));
      const { user, version } = await users.getVersioned(c.var.tenant, id);
      return c.json(viewOf(user), 200, { ETag: `"${version}"` });
    })
    .openapi(remove, async (c) => {
      await users.remove(callerOf(c), c.req.valid("param").id, ifMatch(c));
      return c.body(null, 204);
    });
}

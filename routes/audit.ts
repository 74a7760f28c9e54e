import { createRoute, z } from "@hono/zod-openapi";
import { AuditEntry } from "../lib/model/audit.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { page, Paging } from "./shared/paging.ts";
import { problems } from "./shared/problems.ts";
import { secured } from "./shared/secured.ts";

const list = createRoute({
  method: "get",
  path: "/audit",
  tags: ["audit"],
  summary: "List who did which admin operation on your tenant, newest first",
  ...secured("admin"),
  request: { query: Paging },
  responses: {
    200: {
      description: "A page of entries",
      content: {
        "application/json": {
          schema: z.object({ items: z.array(AuditEntry), next_cursor: z.string().nullable() }),
        },
      },
    },
    ...problems("invalid_request", "invalid_content"),
  },
});

/** What was done to a tenant, by its own admins and by the operator. */
export function auditRoutes({ audit, cursors }: Services) {
  return createRouter().openapi(list, async (c) => {
    const read = (limit: number, before?: string) => audit.list(c.var.tenant, limit, before);
    return c.json(await page(c, cursors, "audit", read), 200);
  });
}

import { createRoute, z } from "@hono/zod-openapi";
import { timestamp } from "../lib/clock.ts";
import { Erasure } from "../lib/model/audit.ts";
import { RetentionTerm } from "../lib/model/retention.ts";
import { termOf } from "../lib/retention.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { json } from "./shared/json.ts";
import { problems } from "./shared/problems.ts";
import { callerOf, secured } from "./shared/secured.ts";

const Receipt = Erasure.extend({
  receipt_url: z.url().openapi({ description: "Where this receipt can be read without a key" }),
}).openapi("Receipt");
const Confirmation = z.strictObject({
  confirm: z.string().openapi({ description: "The client's name" }),
});

const retention = createRoute({
  method: "get",
  path: "/privacy/retention",
  tags: ["privacy"],
  summary: "See how long things are kept; what is not named here is kept until it is deleted",
  ...secured("admin"),
  responses: { 200: json("The terms", z.object({ items: z.array(RetentionTerm) })), ...problems() },
});

const exportAll = createRoute({
  method: "get",
  path: "/privacy/export",
  tags: ["privacy"],
  summary: "Take out everything that is kept of your tenant, as a tar archive",
  ...secured("admin"),
  responses: {
    200: {
      description: "Records as JSON lines, files as they are, and export.json at the end",
      content: { "application/x-tar": { schema: { type: "string", format: "binary" } } },
    },
    ...problems("conflict"),
  },
});

const erase = createRoute({
  method: "post",
  path: "/privacy/erase",
  tags: ["privacy"],
  summary: "Erase your tenant with everything it has, its keys included; this cannot be undone",
  ...secured("admin"),
  request: { body: { required: true, ...json("", Confirmation) } },
  responses: {
    200: json("The receipt: nothing is left", Receipt),
    202: json("There is much to erase: it goes on", Receipt),
    ...problems("invalid_request", "invalid_content"),
  },
});

const receipt = createRoute({
  method: "get",
  path: "/privacy/receipts/{token}",
  tags: ["privacy"],
  summary: "Read the receipt of an erasure, by the link that the erasure gave",
  request: { params: z.object({ token: z.string() }) },
  responses: {
    200: json("The receipt", Erasure),
    ...problems("forbidden", "not_found"),
  },
});

/** What a tenant may do with everything that is kept of it: take it out, and have it erased. */
export function privacyRoutes(services: Services) {
  const { clock, erasures, exports, links, retentions, tenants } = services;
  return createRouter()
    .openapi(retention, (c) => c.json({ items: retentions.map(termOf) }, 200))
    .openapi(exportAll, async (c) => {
      const tenant = await tenants.get(c.var.tenant);
      const archive = await exports.open(tenant, callerOf(c).subject);
      const day = timestamp(clock.now()).slice(0, 10);
      return c.body(archive, 200, {
        "Content-Type": "application/x-tar",
        "Content-Disposition": `attachment; filename="imago-export-${day}.tar"`,
        "Cache-Control": "no-store",
      });
    })
    .openapi(erase, async (c) => {
      const { confirm } = c.req.valid("json");
      const erasure = await erasures.request(c.var.tenant, confirm, callerOf(c).subject);
      const receipt_url = links.receipt(new URL(c.req.url).origin, c.var.tenant);
      return c.json({ ...erasure, receipt_url }, erasure.state === "done" ? 200 : 202);
    })
    .openapi(receipt, async (c) => {
      const tenant = links.erasedBy(c.req.valid("param").token);
      return c.json(await erasures.receipt(tenant), 200);
    });
}

import { createRoute, z } from "@hono/zod-openapi";
import { DashboardStats, PerformanceStats, SystemStats } from "../lib/model/stats.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { json } from "./shared/json.ts";
import { problems } from "./shared/problems.ts";
import { secured } from "./shared/secured.ts";

const tags = ["stats"];

const dashboard = createRoute({
  method: "get",
  path: "/api/stats/dashboard",
  tags,
  summary: "See what the tenant has, and what came in of late",
  ...secured("images:read"),
  request: {
    query: z.object({
      days: z.coerce.number().int().min(1).max(90).default(7).openapi({
        description: "So many last days are told one by one",
      }),
    }),
  },
  responses: { 200: json("The figures", DashboardStats), ...problems("invalid_content") },
});

const performance = createRoute({
  method: "get",
  path: "/api/stats/performance",
  tags,
  summary: "See how fast pictures come, and are worked on",
  ...secured("images:read"),
  responses: { 200: json("The figures", PerformanceStats), ...problems() },
});

const system = createRoute({
  method: "get",
  path: "/api/stats/system",
  tags,
  summary: "See how the machine that answers does",
  ...secured("admin"),
  responses: { 200: json("The figures", SystemStats), ...problems() },
});

/** Figures for dashboards. */
export function statsRoutes({ machine, stats, tenants }: Services) {
  return createRouter()
    .openapi(dashboard, async (c) => {
      const tenant = await tenants.get(c.var.tenant);
      return c.json(await stats.dashboard(tenant, c.req.valid("query").days), 200);
    })
    .openapi(performance, async (c) => {
      return c.json(await stats.performance(await tenants.get(c.var.tenant)), 200);
    })
    .openapi(system, async (c) => c.json(await machine.read(), 200));
}

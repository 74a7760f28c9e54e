import { createRoute, z } from "@hono/zod-openapi";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { operatorsOnly } from "./shared/operators.ts";
import { problems } from "./shared/problems.ts";

const metrics = createRoute({
  method: "get",
  path: "/metrics",
  tags: ["operations"],
  summary: "Figures for Prometheus",
  responses: {
    200: {
      description: "Prometheus text",
      content: { "text/plain": { schema: z.string() } },
    },
    ...problems("unauthorized"),
  },
});

/** What Prometheus scrapes. */
export function metricsRoutes({ config, metrics: figures }: Services) {
  const router = createRouter();
  router.use("/metrics", operatorsOnly(config.METRICS_TOKEN));
  return router.openapi(metrics, async (c) => {
    const { registry } = figures;
    return c.text(await registry.metrics(), 200, { "Content-Type": registry.contentType });
  });
}

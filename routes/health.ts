import { createRoute, z } from "@hono/zod-openapi";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { json } from "./shared/json.ts";
import { problems } from "./shared/problems.ts";
import { operatorsOnly } from "./shared/operators.ts";

const State = z.enum(["ok", "off", "failing"]);
const Part = z.object({ state: State, detail: z.string().nullable() });

const live = createRoute({
  method: "get",
  path: "/health",
  tags: ["operations"],
  summary: "The process answers",
  responses: {
    200: json("Alive", z.object({ status: z.literal("healthy"), version: z.string() })),
  },
});

const v1 = createRoute({
  method: "get",
  path: "/api/v1/health",
  tags: ["operations"],
  summary: "The process answers, in few words",
  responses: { 200: json("Alive", z.object({ status: z.literal("ok") })) },
});

const ready = createRoute({
  method: "get",
  path: "/health/ready",
  tags: ["operations"],
  summary: "It is started and can serve",
  responses: {
    200: json("Ready", z.object({ status: z.literal("ready") })),
    ...problems("unavailable"),
  },
});

const detailed = createRoute({
  method: "get",
  path: "/health/detailed",
  tags: ["operations"],
  summary: "How each part is",
  responses: {
    200: json(
      "The parts",
      z.object({
        status: z.enum(["healthy", "degraded"]),
        version: z.string(),
        uptime_seconds: z.number(),
        parts: z.record(z.string(), Part),
      }),
    ),
    ...problems("unauthorized"),
  },
});

/** For load balancers, orchestrators and people who wonder. */
export function healthRoutes({ config, health, version }: Services) {
  const router = createRouter();
  router.use("/health/detailed", operatorsOnly(config.METRICS_TOKEN));
  return router
    .openapi(live, (c) => c.json({ status: "healthy" as const, version }, 200))
    .openapi(v1, (c) => c.json({ status: "ok" as const }, 200))
    .openapi(ready, async (c) => {
      await health.refuseUnlessReady();
      return c.json({ status: "ready" as const }, 200);
    })
    .openapi(detailed, async (c) => c.json(await health.read(), 200));
}

import { createRoute, z } from "@hono/zod-openapi";
import { describeConfig } from "../lib/config.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { json } from "./shared/json.ts";
import { problems } from "./shared/problems.ts";
import { masterOnly } from "./shared/secured.ts";

const Setting = z.object({
  name: z.string().openapi({ example: "WORKER_MAX_JOBS" }),
  meaning: z.string(),
  value: z.string().nullable().openapi({
    description: "In force; null for secrets and for nothing",
  }),
  standard: z.string(),
  secret: z.boolean(),
  set: z.boolean().openapi({ description: "It has a value" }),
}).openapi("Setting");

const read = createRoute({
  method: "get",
  path: "/auth/configuration",
  tags: ["operations"],
  summary: "See which configuration is in force, without its secrets",
  ...masterOnly(),
  responses: {
    200: json("Every variable", z.object({ items: z.array(Setting) })),
    ...problems(),
  },
});

/** For the operator: how this installation is set up. */
export function configurationRoutes({ config }: Services) {
  return createRouter().openapi(read, (c) => c.json({ items: describeConfig(config) }, 200));
}

import { createRoute, z } from "@hono/zod-openapi";
import { ModelVersion, Retraining } from "../lib/model/prediction.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { idempotent } from "./shared/idempotency.ts";
import { json } from "./shared/json.ts";
import { problems } from "./shared/problems.ts";
import { callerOf, secured } from "./shared/secured.ts";

const tags = ["models"];

const info = createRoute({
  method: "get",
  path: "/api/info",
  tags,
  summary: "Which model predicts",
  responses: {
    200: json(
      "The model",
      z.object({
        model_loaded: z.boolean(),
        model_path: z.string().nullable(),
        version: z.string().nullable(),
        parameters: z.number().int().nullable(),
        labels: z.array(z.string()),
      }),
    ),
  },
});

const health = createRoute({
  method: "get",
  path: "/api/health",
  tags,
  summary: "The process answers, and whether its model does",
  responses: {
    200: json(
      "Alive",
      z.object({ status: z.literal("healthy"), model_loaded: z.boolean(), version: z.string() }),
    ),
  },
});

const list = createRoute({
  method: "get",
  path: "/api/models",
  tags,
  summary: "List the versions of your model, the newest first",
  ...secured("admin"),
  responses: { 200: json("The versions", z.object({ items: z.array(ModelVersion) })) },
});

const retrain = createRoute({
  method: "post",
  path: "/api/models/retrain",
  tags,
  summary: "Fit the model's last layer to your corrected predictions",
  description:
    "It is kept, and predicts from then on, only if it does better on corrections that " +
    "it has not learned from.",
  ...idempotent(secured("admin")),
  responses: {
    201: json("How it compares with the version before", Retraining),
    ...problems("conflict", "unavailable"),
  },
});

const activate = createRoute({
  method: "post",
  path: "/api/models/{version}/activate",
  tags,
  summary: "Have another version predict: an earlier one, the built-in one",
  ...secured("admin"),
  request: { params: z.object({ version: z.string().max(100) }) },
  responses: {
    200: json("The version", ModelVersion),
    ...problems("not_found", "invalid_content"),
  },
});

/** The model that predicts, and the versions that a tenant's corrections have made of it. */
export function modelRoutes({ models, predictions, version }: Services) {
  return createRouter()
    .openapi(info, async (c) => {
      const about = await predictions.about();
      const { path = null, version = null, parameters = null, labels = [] } = about ?? {};
      const model_loaded = about !== null;
      return c.json({ model_loaded, model_path: path, version, parameters, labels }, 200);
    })
    .openapi(health, async (c) => {
      const model_loaded = await predictions.about() !== null;
      return c.json({ status: "healthy" as const, model_loaded, version }, 200);
    })
    .openapi(list, async (c) => c.json({ items: await models.list(c.var.tenant) }, 200))
    .openapi(
      retrain,
      async (c) => c.json(await models.retrain(c.var.tenant, callerOf(c).subject), 201),
    )
    .openapi(activate, async (c) => {
      const { version } = c.req.valid("param");
      return c.json(await models.activate(c.var.tenant, version, callerOf(c).subject), 200);
    });
}

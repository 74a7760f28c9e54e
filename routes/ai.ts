import { createRoute, z } from "@hono/zod-openapi";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { json } from "./shared/json.ts";
import { problems } from "./shared/problems.ts";
import { secured } from "./shared/secured.ts";

const failures = problems(
  "invalid_request",
  "forbidden",
  "invalid_content",
  "budget_exceeded",
  "upstream_failed",
  "ai_unavailable",
  "upstream_timeout",
);

const summarize = createRoute({
  method: "post",
  path: "/ai/summarize",
  tags: ["ai"],
  summary: "Summarize a web page",
  ...secured("ai:use"),
  request: {
    body: {
      required: true,
      ...json(
        "",
        z.object({
          url: z.string().min(1).max(2_000).openapi({ example: "https://example.com/article" }),
          language: z.string().trim().min(1).max(40).optional().openapi({ example: "français" }),
        }),
      ),
    },
  },
  responses: {
    200: json(
      "The summary",
      z.object({
        url: z.string().openapi({ description: "Where the page was found, after redirects" }),
        title: z.string(),
        summary: z.string(),
        language: z.string().nullable(),
        model_used: z.string(),
      }),
    ),
    ...failures,
  },
});

const draftTask = createRoute({
  method: "post",
  path: "/ai/draft-task",
  tags: ["ai"],
  summary: "Draft a task from a rough description",
  ...secured("ai:use"),
  request: {
    body: {
      required: true,
      ...json(
        "",
        z.object({
          description: z.string().trim().min(1).max(10_000),
          context: z.string().trim().max(10_000).optional(),
        }),
      ),
    },
  },
  responses: {
    200: json(
      "The draft",
      z.object({
        title: z.string(),
        description: z.string(),
        steps: z.array(z.string()),
        priority: z.enum(["low", "medium", "high"]),
        estimate: z.string(),
        tags: z.array(z.string()),
        model_used: z.string(),
      }),
    ),
    ...failures,
  },
});

/** What a model writes when asked. */
export function aiRoutes({ tenants, writer }: Services) {
  return createRouter()
    .openapi(summarize, async (c) => {
      const { url, language } = c.req.valid("json");
      const tenant = await tenants.get(c.var.tenant);
      return c.json(await writer.summarize(tenant, url, language, c.req.raw.signal), 200);
    })
    .openapi(draftTask, async (c) => {
      const tenant = await tenants.get(c.var.tenant);
      return c.json(await writer.draftTask(tenant, c.req.valid("json"), c.req.raw.signal), 200);
    });
}

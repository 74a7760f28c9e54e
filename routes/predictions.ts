import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Problem } from "../lib/errors.ts";
import { DayFigures, Feedback, Figures, NewFeedback, Prediction } from "../lib/model/prediction.ts";
import type { Shown } from "../lib/predictions.ts";
import type { Services } from "../lib/services.ts";
import { createRouter, type Env } from "./shared/app.ts";
import { csv } from "./shared/csv.ts";
import { idempotent, noteForm } from "./shared/idempotency.ts";
import { json } from "./shared/json.ts";
import { readMultipart } from "./shared/multipart.ts";
import { problems } from "./shared/problems.ts";
import { secured } from "./shared/secured.ts";
import { noFile } from "./shared/upload.ts";

const tags = ["predictions"];
const WEEK = 7;

/** What a caller may ask for instead of the classifier's own: `["apple", "pear"]`. */
const Labels = z.string().transform((csv) => csv.split(",").map((label) => label.trim()))
  .transform((labels) => [...new Set(labels.filter(Boolean))])
  .pipe(z.array(z.string().max(80)).min(2).max(50));

const predict = createRoute({
  method: "post",
  path: "/api/predict",
  tags,
  summary: "Say what a picture shows; the picture is not kept",
  description: "A cat or a dog by the built-in model, or one of `labels` by the vision provider.",
  ...idempotent(secured("ai:use")),
  requestBody: {
    required: true,
    content: {
      "multipart/form-data": {
        schema: {
          type: "object" as const,
          properties: {
            file: { type: "string" as const, format: "binary" },
            labels: { type: "string" as const, example: "apple, pear, plum" },
          },
          required: ["file"],
        },
      },
    },
  },
  responses: {
    200: json("What it shows", Prediction),
    ...problems(
      "invalid_request",
      "forbidden",
      "conflict",
      "too_large",
      "invalid_content",
      "budget_exceeded",
      "upstream_failed",
      "unavailable",
      "ai_unavailable",
      "upstream_timeout",
    ),
  },
});

const judge = createRoute({
  method: "post",
  path: "/api/feedback",
  tags,
  summary: "Say whether a prediction was right; a second word replaces the first",
  ...idempotent(secured("ai:use")),
  request: { body: { required: true, ...json("", NewFeedback) } },
  responses: {
    201: json("The feedback as it is kept", Feedback),
    ...problems("invalid_request", "not_found", "conflict", "invalid_content"),
  },
});

const Format = z.object({
  format: z.enum(["json", "csv"]).default("json"),
});
const inBoth = (description: string, schema: z.ZodType) => ({
  description,
  content: { "application/json": { schema }, "text/csv": { schema: z.string() } },
});

const daily = createRoute({
  method: "get",
  path: "/api/metrics/daily",
  tags,
  summary: "See how predictions went, day by day (UTC), oldest first",
  ...secured("ai:use"),
  request: {
    query: Format.extend({
      days: z.coerce.number().int().min(1).max(366).default(30).openapi({
        description: "Up to today",
      }),
    }),
  },
  responses: {
    200: inBoth("The days", z.object({ days: z.array(DayFigures) })),
    ...problems("invalid_content"),
  },
});

const week = createRoute({
  method: "get",
  path: "/api/metrics/7d",
  tags,
  summary: "See how predictions went in the last seven days, and all together",
  ...secured("ai:use"),
  request: { query: Format },
  responses: {
    200: inBoth("The days and their sum", z.object({ days: z.array(DayFigures), sum: Figures })),
    ...problems("invalid_content"),
  },
});

/** Predictions, what people say to them, and how they went. */
export function predictionRoutes({ config, predictions, tenants }: Services) {
  const receive = async (c: Context<Env>, take: (shown: Shown) => void) => {
    const { fields, files } = await readMultipart(c.req.raw, {
      maxFileBytes: config.MAX_UPLOAD_SIZE_MB,
      maxFiles: 1,
      onFile: async ({ field, filename, body }) => {
        if (field !== "file") throw noFile();
        const shown = await predictions.receive(c.var.tenant, filename, body);
        take(shown);
        return shown;
      },
    });
    const [shown] = files;
    if (!shown) throw noFile();
    noteForm(c, fields, [{ field: "file", filename: shown.name, sha256: shown.sha256 }]);
    return { shown, labels: labelsOf(fields) };
  };

  return createRouter()
    .openapi(predict, async (c) => {
      const taken: Shown[] = [];
      try {
        const { shown, labels } = await receive(c, (one) => taken.push(one));
        const tenant = await tenants.get(c.var.tenant);
        const { signal } = c.req.raw;
        return c.json(await predictions.predict(tenant, shown, { labels, signal }), 200);
      } finally {
        await Promise.all(taken.map(predictions.discard));
      }
    })
    .openapi(
      judge,
      async (c) => c.json(await predictions.judge(c.var.tenant, c.req.valid("json")), 201),
    )
    .openapi(daily, async (c) => {
      const { format, days: count } = c.req.valid("query");
      const { days } = await predictions.figures(c.var.tenant, count);
      return format === "csv" ? csv(c, "daily", days) : c.json({ days }, 200);
    })
    .openapi(week, async (c) => {
      const { days, sum } = await predictions.figures(c.var.tenant, WEEK);
      const { format } = c.req.valid("query");
      const rows = [...days, { date: "sum", ...sum }];
      return format === "csv" ? csv(c, "7d", rows) : c.json({ days, sum }, 200);
    });
}

function labelsOf({ labels }: Record<string, string>): string[] | undefined {
  if (!labels?.trim()) return undefined;
  const parsed = Labels.safeParse(labels);
  if (parsed.success) return parsed.data;
  throw new Problem("invalid_content", "Cannot use labels: send 2 to 50 of them, comma-separated");
}

import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Problem } from "../lib/errors.ts";
import { Draft, type DraftRow, NewDraft } from "../lib/model/draft.ts";
import type { Services } from "../lib/services.ts";
import { createRouter, type Env } from "./shared/app.ts";
import { json } from "./shared/json.ts";
import { present, tagOf } from "./shared/draft_view.ts";
import { idempotent, noteForm } from "./shared/idempotency.ts";
import { readMultipart } from "./shared/multipart.ts";
import { problems } from "./shared/problems.ts";
import { secured } from "./shared/secured.ts";

const FIELD = "files";

const access = () => idempotent(secured("images:write", "v1", "ingest"));
const answers = {
  201: json("The new draft", Draft),
  ...problems(
    "invalid_request",
    "request_timeout",
    "conflict",
    "too_large",
    "unsupported_type",
    "invalid_content",
    "quota_exceeded",
    "unavailable",
  ),
};

const upload = createRoute({
  method: "post",
  path: "/api/v1/ingest/upload",
  tags: ["listings"],
  summary: "Make a draft of uploaded photos",
  ...access(),
  requestBody: {
    required: true,
    content: {
      "multipart/form-data": {
        schema: {
          type: "object" as const,
          properties: {
            [FIELD]: {
              type: "array" as const,
              items: { type: "string" as const, format: "binary" },
            },
            title: { type: "string" as const, maxLength: 160 },
          },
          required: [FIELD],
        },
      },
    },
  },
  responses: answers,
});

const photos = createRoute({
  method: "post",
  path: "/api/v1/ingest/photos",
  tags: ["listings"],
  summary: "Make a draft of photos at addresses",
  ...access(),
  request: {
    body: {
      required: true,
      ...json(
        "",
        NewDraft.extend({
          urls: z.array(z.string().min(1).max(2_000)).openapi({
            example: ["https://example.com/photo.jpg"],
          }),
        }),
      ),
    },
  },
  responses: answers,
});

/** Photos in, a draft of a listing out. */
export function ingestRoutes(services: Services) {
  const { config, ingest } = services;

  /** Answers with the draft that `work` makes of a batch; nothing is left behind if it fails. */
  const answer = async (c: Context<Env>, work: (batch: Batch) => Promise<DraftRow>) => {
    const batch = ingest.open(c.var.tenant);
    try {
      const row = await work(batch);
      return c.json(present(row, services), 201, {
        Location: `/api/v1/listings/${row.id}`,
        ETag: tagOf(row, services),
      });
    } finally {
      await batch.close();
    }
  };

  return createRouter()
    .openapi(upload, (c) =>
      answer(c, async (batch) => {
        const { fields, files } = await readMultipart(c.req.raw, {
          maxFileBytes: config.MAX_FILE_SIZE_MB,
          maxFiles: config.MAX_UPLOADS_PER_REQUEST,
          onFile: ({ field, filename, body }) => {
            if (field !== FIELD) throw noFiles();
            return batch.receive(filename, body);
          },
        });
        if (files.length === 0) throw noFiles();
        noteForm(
          c,
          fields,
          files.map(({ name, sha256 }) => ({ field: FIELD, filename: name, sha256 })),
        );
        return await batch.finish(files, titleOf(fields));
      }))
    .openapi(photos, (c) => {
      const { urls, title } = c.req.valid("json");
      if (urls.length === 0) throw noFiles();
      if (urls.length > config.MAX_UPLOADS_PER_REQUEST) {
        throw new Problem("too_large", `Too many files (>${config.MAX_UPLOADS_PER_REQUEST})`);
      }
      return answer(c, async (batch) => await batch.finish(await batch.fetch(urls), title));
    });
}

type Batch = ReturnType<Services["ingest"]["open"]>;

function titleOf({ title }: Record<string, string>): string {
  const parsed = NewDraft.safeParse({ title });
  if (parsed.success) return parsed.data.title;
  const { message } = parsed.error.issues[0]!;
  throw new Problem("invalid_content", `Cannot use the request: title: ${message}`, {
    errors: [{ path: "title", message }],
  });
}

function noFiles() {
  return new Problem("invalid_request", "No files provided");
}

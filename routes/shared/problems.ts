import { z } from "@hono/zod-openapi";
import { getLogger } from "@logtape/logtape";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { Problem, type ProblemCode, PROBLEMS } from "../../lib/errors.ts";
import type { Env } from "./app.ts";

const log = getLogger(["imago", "http"]);

/** The body of every error (RFC 9457). */
export const ProblemBody = z.object({
  type: z.string().openapi({ example: "https://imago.invalid/problems/not_found" }),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string(),
  request_id: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
}).openapi("Problem");

/** The documented answers for problems that a route can end in. */
export function problems(...codes: ProblemCode[]) {
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code][0]);
  const answers = [...byStatus].map(([status, same]) => [status, {
    description: same.map((code) => PROBLEMS[code][1]).join("; "),
    content: { "application/problem+json": { schema: ProblemBody } },
  }]);
  return Object.fromEntries(answers) as Record<
    number,
    { description: string; content: { "application/problem+json": { schema: typeof ProblemBody } } }
  >;
}

/** Turns whatever was thrown into an RFC 9457 answer; the unexpected is logged in full and shown to nobody. */
export function problemResponse(error: unknown, c: Context<Env>): Response {
  const problem = asProblem(error);
  if (problem.code === "internal") log.error("Unexpected error: {error}", { error });
  const { retryAfter, errors, headers } = problem.extras;
  const body: z.infer<typeof ProblemBody> = {
    type: `tag:imago,2026:problems/${problem.code}`,
    title: problem.title,
    status: problem.status,
    detail: problem.detail,
    instance: new URL(c.req.url).pathname,
    request_id: c.var.requestId,
    errors,
  };
  return new Response(JSON.stringify(body), {
    status: problem.status,
    headers: {
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      ...(retryAfter !== undefined && { "Retry-After": String(Math.ceil(retryAfter)) }),
      ...(problem.status === 401 && { "WWW-Authenticate": 'Bearer realm="imago"' }),
      ...headers,
    },
  });
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  // Hono's own: a body that is no JSON, a wrong content type.
  if (error instanceof HTTPException && error.status < 500) {
    return new Problem("invalid_request", `Cannot read the request: ${error.message}`);
  }
  return new Problem(
    "internal",
    "Something went wrong on our side; the log knows it by request_id",
  );
}

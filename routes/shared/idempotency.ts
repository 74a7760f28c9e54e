import { createHash } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import { sha256Of } from "../../lib/auth/key_format.ts";
import { Problem } from "../../lib/errors.ts";
import { otherContent, type Outcome } from "../../lib/idempotency.ts";
import type { IdempotentRequest, StoredAnswer } from "../../lib/model/idempotency.ts";
import type { Env } from "./app.ts";
import { readMultipart } from "./multipart.ts";

/** An answer longer than this (UTF-8 bytes) does not fit a KV value: it is told as done, not repeated. */
const MAX_ANSWER = 48 * 1024;
const KEPT_HEADERS = ["Content-Type", "Location", "ETag"];

type Access<S extends string> = {
  security: Record<string, string[]>[];
  middleware: MiddlewareHandler<Env>;
  "x-scope": S;
};

type Options = {
  /** The answer holds a secret: it is not kept, and the replay is 409. */
  secret?: boolean;
};

/**
 * Makes a POST that creates safe to repeat with an Idempotency-Key: put it round the route's access.
 * A handler that streams its body (multipart) tells what it read by {@link noteForm}; any other body
 * is read and hashed here first.
 */
export function idempotent<S extends string>(access: Access<S>, { secret = false }: Options = {}) {
  const once: MiddlewareHandler<Env> = async (c, next) => {
    const key = c.req.header("Idempotency-Key");
    if (key === undefined) return await next();
    const { idempotency } = c.var.services;
    const fingerprint = isForm(c) ? null : sha256(await c.req.arrayBuffer());
    const { pathname, search } = new URL(c.req.url);
    const request = `${c.req.method} ${pathname}${search}`;
    const owner = c.var.principal?.kind === "tenant" ? c.var.principal.tenant : "master";
    const beginning = await idempotency.begin(owner, key, request, fingerprint);
    if (beginning.kind === "done") {
      return replay(beginning.before, fingerprint ?? await hashForm(c));
    }
    try {
      await next();
      if (!c.res.ok) return;
      await idempotency.finish(beginning.reservation, await outcomeOf(c, fingerprint, secret));
    } finally {
      // Does nothing where it was finished.
      await idempotency.release(beginning.reservation);
    }
  };
  return { ...access, middleware: [access.middleware, once], parameters: [PARAMETER] };
}

const PARAMETER = {
  name: "Idempotency-Key",
  in: "header" as const,
  required: false,
  description: "The same key and content within 24 hours give the first answer again",
  schema: { type: "string" as const, maxLength: 255 },
};

type FormFile = { field: string; filename: string; sha256: string };

/** Tells `idempotent` what a form held, once it has been read. */
export function noteForm(c: Context<Env>, fields: Record<string, string>, files: FormFile[]) {
  const sorted = Object.entries(fields).sort(([a], [b]) => a < b ? -1 : 1);
  const parts = files.map(({ field, filename, sha256 }) => [field, filename, sha256]);
  c.set("fingerprint", sha256Of(JSON.stringify([sorted, parts])));
}

async function outcomeOf(c: Context<Env>, known: string | null, secret: boolean): Promise<Outcome> {
  const fingerprint = known ?? c.var.fingerprint;
  if (!fingerprint) throw new Error(`${c.req.path} did not tell what form it read`);
  const location = c.res.headers.get("Location");
  if (secret) return { fingerprint, location, answer: null };
  const body = await c.res.clone().text();
  const fits = new TextEncoder().encode(body).length <= MAX_ANSWER;
  const headers = Object.fromEntries(
    KEPT_HEADERS.flatMap((name) => {
      const value = c.res.headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
  const answer: StoredAnswer = { status: c.res.status, headers, body };
  return { fingerprint, location, answer: fits ? answer : null };
}

function replay({ fingerprint, answer, location }: IdempotentRequest, given: string): Response {
  if (fingerprint !== given) throw otherContent();
  if (!answer) {
    const id = location?.split("/").at(-1);
    throw new Problem(
      "conflict",
      `This was done before${id ? `: it made "${id}"` : ""}; its answer is not given again`,
      { headers: location ? { Location: location } : {} },
    );
  }
  return new Response(answer.body, {
    status: answer.status,
    headers: { ...answer.headers, "Idempotency-Replayed": "true" },
  });
}

function isForm(c: Context<Env>): boolean {
  return /^multipart\/form-data\b/i.test(c.req.header("Content-Type") ?? "");
}

/** Reads a form for its fingerprint alone. */
async function hashForm(c: Context<Env>): Promise<string> {
  const { MAX_UPLOAD_SIZE_MB, MAX_FILE_SIZE_MB, MAX_UPLOADS_PER_REQUEST } = c.var.services.config;
  const { fields, files } = await readMultipart(c.req.raw, {
    // As much as any route takes.
    maxFileBytes: Math.max(MAX_UPLOAD_SIZE_MB, MAX_FILE_SIZE_MB),
    maxFiles: MAX_UPLOADS_PER_REQUEST,
    onFile: async ({ field, filename, body }) => {
      const hash = createHash("sha256");
      for await (const chunk of body) hash.update(chunk);
      return { field, filename, sha256: hash.digest("hex") };
    },
  });
  noteForm(c, fields, files);
  return c.var.fingerprint ?? "";
}

function sha256(bytes: ArrayBuffer): string {
  return createHash("sha256").update(new Uint8Array(bytes)).digest("hex");
}

import type { MiddlewareHandler } from "hono";
import { Problem } from "../../lib/errors.ts";
import type { Env } from "./app.ts";

/**
 * Bounds the bodies that validators read whole. Multipart bodies are streamed and have bounds of
 * their own.
 */
export function limitBody(maxBytes: number): MiddlewareHandler<Env> {
  return async (c, next) => {
    const { body, headers } = c.req.raw;
    if (body && !/^multipart\//i.test(headers.get("Content-Type") ?? "")) {
      if (Number(headers.get("Content-Length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
      c.req.raw = new Request(c.req.raw, { body: await readAtMost(body, maxBytes) });
    }
    await next();
  };
}

async function readAtMost(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    parts.push(part);
  }
  return new Blob(parts);
}

function tooLarge(maxBytes: number) {
  return new Problem("too_large", `Cannot take a body of more than ${maxBytes} bytes`);
}

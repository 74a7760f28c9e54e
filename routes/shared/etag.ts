import type { Context } from "hono";
import type { Env } from "./app.ts";

/** Sets a strong ETag; true when the caller already has this version (answer 304 then). */
export function notModified(c: Context<Env>, etag: string): boolean {
  c.header("ETag", etag);
  const known = c.req.header("If-None-Match");
  return known === "*" ||
    (known?.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag) ?? false);
}

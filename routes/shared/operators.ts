import { timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { Problem } from "../../lib/errors.ts";
import { sha256Of } from "../../lib/auth/key_format.ts";
import type { Env } from "./app.ts";

/** Lets only the holder of the operator's token pass; everybody where no token is set. */
export function operatorsOnly(token: string | undefined): MiddlewareHandler<Env> {
  return async (c, next) => {
    const given = /^Bearer +(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1] ?? "";
    if (token && !equal(given, token)) {
      throw new Problem("unauthorized", "Send METRICS_TOKEN as a Bearer token");
    }
    await next();
  };
}

/** Compares in constant time, also when the lengths differ. */
function equal(a: string, b: string): boolean {
  const encode = (text: string) => new TextEncoder().encode(sha256Of(text));
  return timingSafeEqual(encode(a), encode(b));
}

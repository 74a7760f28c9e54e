import type { MiddlewareHandler } from "hono";
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Principal } from "../../lib/model/tenant.ts";
import { Problem } from "../../lib/errors.ts";
import type { Standing } from "../../lib/rate_limits.ts";
import type { Services } from "../../lib/services.ts";

export type Env = {
  /** What `Deno.serve` tells of a request; tests may leave it out. */
  Bindings: { remoteAddr?: Deno.Addr };
  Variables: {
    requestId: string;
    /** For what a route declares in one line: access, limits, safe retries. */
    services: Services;
    /** Who asks; set by `secured`, absent on open routes. */
    principal?: Principal;
    /** Where the caller stands with each limit that was counted. */
    standings: Standing[];
    /** SHA-256 of a streamed body's content, told by who read it; see `idempotent`. */
    fingerprint?: string;
    /** What `Deno.serve` is to be given as it is, in the place of the answer: a WebSocket begins. */
    upgrade?: Response;
    /** The tenant whose things the route is about; set by `secured`. */
    tenant: string;
  };
};

/** A router whose validation failures are problems like all others. */
export function createRouter() {
  return new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (result.success) return;
      const errors = result.error.issues.map(({ path, message }) => ({
        path: path.join("."),
        message,
      }));
      const first = errors[0]!;
      throw new Problem(
        "invalid_content",
        `Cannot use the request: ${first.path ? `${first.path}: ` : ""}${first.message}`,
        { errors },
      );
    },
  });
}

/** Gives every route what Imago can do. */
export function provide(services: Services): MiddlewareHandler<Env> {
  return async (c, next) => {
    c.set("services", services);
    c.set("standings", []);
    await next();
  };
}

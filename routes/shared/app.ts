import { OpenAPIHono } from "@hono/zod-openapi";
import type { Principal } from "../../lib/model/tenant.ts";
import { Problem } from "../../lib/errors.ts";

export type Env = {
  Variables: {
    requestId: string;
    /** Who asks; null for a stranger. */
    principal: Principal | null;
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

import type { MiddlewareHandler } from "hono";
import type { ApiKeys } from "../../lib/auth/api_keys.ts";
import { Problem } from "../../lib/errors.ts";
import type { Scope } from "../../lib/model/tenant.ts";
import type { Env } from "./app.ts";

const SECURITY: Record<string, string[]>[] = [{ apiKey: [] }, { bearer: [] }];

/** Finds out who asks, for every route. Proves nothing yet: that is what `secured` is for. */
export function authenticate(keys: ApiKeys): MiddlewareHandler<Env> {
  return async (c, next) => {
    const secret = c.req.header("X-API-Key") ??
      /^Bearer +(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
    c.set("principal", secret ? await keys.authenticate(secret) : null);
    await next();
  };
}

/** For a route of tenants: the check and its documentation in one. */
export function secured(scope: Scope) {
  const check: MiddlewareHandler<Env> = async (c, next) => {
    const { principal } = c.var;
    if (!principal) throw stranger();
    if (principal.kind === "master") {
      throw new Problem(
        "insufficient_scope",
        "The master key manages clients only; use a client's key",
      );
    }
    if (!principal.scopes.includes(scope) && !principal.scopes.includes("admin")) {
      throw new Problem("insufficient_scope", `This needs the scope "${scope}"`);
    }
    c.set("tenant", principal.tenant);
    await next();
  };
  return { security: SECURITY, middleware: check, "x-scope": scope };
}

/** For the routes that manage clients: the master key alone. */
export function masterOnly() {
  const check: MiddlewareHandler<Env> = async (c, next) => {
    const { principal } = c.var;
    if (!principal) throw stranger();
    if (principal.kind !== "master") {
      throw new Problem("insufficient_scope", "Only the master key manages clients");
    }
    await next();
  };
  return { security: SECURITY, middleware: check, "x-scope": "master" };
}

function stranger() {
  return new Problem("unauthorized", "Send a valid key as X-API-Key or as a Bearer token");
}

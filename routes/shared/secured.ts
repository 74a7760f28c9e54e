import type { Context, MiddlewareHandler } from "hono";
import { covers } from "../../lib/auth/scopes.ts";
import { Problem } from "../../lib/errors.ts";
import type { Principal, Scope, TenantPrincipal } from "../../lib/model/tenant.ts";
import type { PolicyName } from "../../lib/rate_limits.ts";
import type { Env } from "./app.ts";
import { limit, limitStranger } from "./rate_limit.ts";

const SECURITY: Record<string, string[]>[] = [{ apiKey: [] }, { bearer: [] }];

/**
 * For a route of tenants: the check and its documentation in one. `policies` are rate limits beside
 * the one that counts everything. Sets `c.var.tenant`.
 */
export function secured(scope: Scope, ...policies: PolicyName[]) {
  return access(scope, async (c, next) => {
    await admit(c, await identify(c), scope, policies);
    await next();
  });
}

/** Like `secured`, for what a browser cannot send headers to: a ticket in the address does as well. */
export function ticketed(scope: Scope) {
  return access(scope, async (c, next) => {
    const ticket = c.req.query("ticket");
    await admit(c, ticket === undefined ? await identify(c) : await redeem(c, ticket), scope, []);
    await next();
  });
}

/** For the routes that manage clients: the master key alone. */
export function masterOnly() {
  return access("master", async (c, next) => {
    const principal = await identify(c);
    if (principal.kind !== "master") {
      throw new Problem("insufficient_scope", "Only the master key manages clients");
    }
    await next();
  });
}

/** For a route that answers whoever is known, whatever the scopes. */
export function knownOnly() {
  return access("any", async (c, next) => {
    const principal = await identify(c);
    if (principal.kind === "tenant") c.set("tenant", principal.tenant);
    await next();
  });
}

/** For what only users do, who have signed in: keys cannot. */
export function usersOnly() {
  return access("user", async (c, next) => {
    const principal = await identify(c);
    if (principal.kind !== "tenant" || !principal.session) {
      throw new Problem("forbidden", "This is for users who have signed in, not for keys");
    }
    c.set("tenant", principal.tenant);
    await next();
  });
}

/**
 * Who asks, where somebody may also come unknown and tell later: by a ticket or by a header. null
 * where neither is sent. Throws `unauthorized` for what is wrong.
 */
export async function guest(c: Context<Env>): Promise<TenantPrincipal | null> {
  const ticket = c.req.query("ticket");
  if (ticket !== undefined) return await redeem(c, ticket);
  if (!c.req.header("X-API-Key") && !c.req.header("Authorization")) return null;
  const principal = await identify(c);
  if (principal.kind === "tenant") return principal;
  throw new Problem("insufficient_scope", "The master key manages clients only");
}

/** Who asks, on a route that `secured` keeps for tenants. */
export function callerOf(c: Context<Env>): TenantPrincipal {
  const { principal } = c.var;
  if (principal?.kind === "tenant") return principal;
  throw unknown();
}

function access(scope: Scope | "master" | "any" | "user", check: MiddlewareHandler<Env>) {
  return { security: SECURITY, middleware: check, "x-scope": scope };
}

/** Refuses who may not, or asks too often. */
async function admit(
  c: Context<Env>,
  principal: Principal,
  scope: Scope,
  policies: readonly PolicyName[],
) {
  if (principal.kind === "master") {
    throw new Problem(
      "insufficient_scope",
      "The master key manages clients only; use a client's key",
    );
  }
  if (!covers(principal.scopes, [scope])) {
    throw new Problem("insufficient_scope", `This needs the scope "${scope}"`);
  }
  c.set("tenant", principal.tenant);
  await limit(c, principal, policies);
}

/** Who was given a ticket. */
async function redeem(c: Context<Env>, ticket: string): Promise<TenantPrincipal> {
  const giveBack = limitStranger(c);
  const principal = await c.var.services.tickets.redeem(ticket);
  if (!principal) throw new Problem("unauthorized", "Get a ticket: this one is used, late or none");
  giveBack();
  c.set("principal", principal);
  await limit(c, principal, ["default"]);
  return principal;
}

/**
 * Who asks, counted against the standard limit. A key of full strength that was seen before costs
 * nothing to know; all else is a guess until it proves right, and guesses are counted by address
 * before anything is looked up.
 */
async function identify(c: Context<Env>): Promise<Principal> {
  const { principals } = c.var.services;
  const secret = c.req.header("X-API-Key") ??
    /^Bearer +(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  const giveBack = secret && principals.isKnown(secret) ? () => {} : limitStranger(c);
  const principal = secret ? await principals.authenticate(secret) : null;
  if (!principal) throw unknown();
  giveBack();
  c.set("principal", principal);
  await limit(c, principal, ["default"]);
  return principal;
}

function unknown(): Problem {
  return new Problem("unauthorized", "Send a valid key as X-API-Key or as a Bearer token");
}

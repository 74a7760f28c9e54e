import type { Context, MiddlewareHandler } from "hono";
import { Problem } from "../../lib/errors.ts";
import type { Principal } from "../../lib/model/tenant.ts";
import { parseNets } from "../../lib/net/addresses.ts";
import { clientAddress, neighbourhood } from "../../lib/net/client_address.ts";
import type { PolicyName, Standing } from "../../lib/rate_limits.ts";
import type { Env } from "./app.ts";

/** Counts a request of somebody known. Throws `rate_limited` when a policy has no room for it. */
export async function limit(
  c: Context<Env>,
  principal: Principal,
  policies: readonly PolicyName[],
): Promise<void> {
  for (const policy of policies) {
    const { subject, own } = subjectOf(principal, policy);
    admit(c, await c.var.services.limits.take(policy, subject, own));
  }
}

/**
 * Counts a request of somebody unknown, by address. Throws `rate_limited` when there were too many;
 * the returned function takes it back, for who turns out to be known.
 */
export function limitStranger(c: Context<Env>): () => void {
  const { giveBack, ...standing } = c.var.services.limits.try(neighbourhood(addressOf(c)));
  admit(c, standing);
  return () => {
    giveBack();
    c.set("standings", c.var.standings.filter((other) => other !== standing));
  };
}

/**
 * Counts a try to sign in, by address and by name. Throws `rate_limited` when there were too many;
 * the returned function takes it back, for who turns out to be right.
 */
export async function limitLogin(c: Context<Env>, username: string): Promise<() => void> {
  const { limits } = c.var.services;
  const subjects = [`address/${neighbourhood(addressOf(c))}`, `name/${username}`];
  for (const subject of subjects) admit(c, await limits.take("login", subject));
  return () => subjects.forEach((subject) => limits.giveBack("login", subject));
}

/** The address that the request comes from, whatever it claims; see `TRUSTED_PROXIES`. */
export function addressOf(c: Context<Env>): string {
  const { remoteAddr } = c.env ?? {};
  const peer = remoteAddr && "hostname" in remoteAddr ? remoteAddr.hostname : undefined;
  const trusted = parseNets(c.var.services.config.TRUSTED_PROXIES);
  return clientAddress(peer, c.req.header("X-Forwarded-For"), trusted);
}

/**
 * Tells the caller's limits in every answer that was counted: fields `RateLimit-Policy` and
 * `RateLimit` of draft-ietf-httpapi-ratelimit-headers-10.
 */
export const tellLimits: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  const { standings } = c.var;
  if (standings.length === 0) return;
  c.header("RateLimit-Policy", list(standings, ({ limit }) => `q=${limit};w=60`));
  c.header("RateLimit", list(standings, ({ remaining, reset }) => `r=${remaining};t=${reset}`));
};

function admit(c: Context<Env>, standing: Standing) {
  c.set("standings", [...c.var.standings, standing]);
  if (standing.allowed) return;
  const { limit, reset } = standing;
  throw new Problem(
    "rate_limited",
    `Too many requests: ${limit} a minute are allowed, try again in ${reset} s`,
    { retryAfter: reset },
  );
}

/** A tenant with a limit of its own shares it among its keys; else each key has the standard one. */
function subjectOf(principal: Principal, policy: PolicyName) {
  if (principal.kind === "master") return { subject: "master" };
  const { tenant, subject, rateLimit } = principal;
  if (policy === "default" && rateLimit !== null) return { subject: tenant, own: rateLimit };
  return { subject: `${tenant}/${subject}` };
}

function list(standings: Standing[], parameters: (standing: Standing) => string): string {
  return standings.map((standing) => `"${standing.policy}";${parameters(standing)}`).join(", ");
}

import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { viewOf } from "../lib/auth/sessions.ts";
import { nameKey } from "../lib/auth/user_names.ts";
import { Problem } from "../lib/errors.ts";
import { Time } from "../lib/model/scalars.ts";
import { Scope } from "../lib/model/tenant.ts";
import { Login, PasswordChange, SessionTokens, UserView } from "../lib/model/user.ts";
import type { Services } from "../lib/services.ts";
import { createRouter, type Env } from "./shared/app.ts";
import { json } from "./shared/json.ts";
import { problems } from "./shared/problems.ts";
import { limitLogin, limitStranger } from "./shared/rate_limit.ts";
import { callerOf, knownOnly, usersOnly } from "./shared/secured.ts";

/** Answers with tokens are for who asked, not for caches on the way. */
const NO_STORE = { "Cache-Control": "no-store" };

const Refresh = z.strictObject({ refresh_token: z.string() }).openapi("Refresh");
const Verify = z.strictObject({ token: z.string() }).openapi("Verify");
const Verified = z.object({
  valid: z.boolean(),
  sub: z.string().nullable().openapi({ description: "The user's id" }),
  exp: z.number().int().nullable().openapi({ description: "When it ends, in seconds since 1970" }),
  scopes: z.array(Scope),
}).openapi("Verified");
const IssuedTicket = z.object({ ticket: z.string(), expires_at: Time }).openapi("Ticket");

const login = createRoute({
  method: "post",
  path: "/api/auth/login",
  tags: ["sessions"],
  summary: "Sign in",
  request: { body: { required: true, ...json("", Login) } },
  responses: {
    200: json("The tokens of a new session", SessionTokens),
    ...problems(
      "invalid_request",
      "unauthorized",
      "invalid_content",
      "rate_limited",
      "unavailable",
    ),
  },
});

const refresh = createRoute({
  method: "post",
  path: "/api/auth/refresh",
  tags: ["sessions"],
  summary: "Change a refresh token for new tokens; shown again, it ends its session",
  request: { body: { required: true, ...json("", Refresh) } },
  responses: {
    200: json("The next tokens of the session", SessionTokens),
    ...problems("invalid_request", "unauthorized", "invalid_content", "rate_limited"),
  },
});

const logout = createRoute({
  method: "post",
  path: "/api/auth/logout",
  tags: ["sessions"],
  summary: "Sign out: the tokens of this session are refused from then on",
  ...usersOnly(),
  responses: { 204: { description: "Signed out" }, ...problems() },
});

const verify = createRoute({
  method: "post",
  path: "/api/auth/verify",
  tags: ["sessions"],
  summary: "See whether an access token of your tenant is good",
  ...knownOnly(),
  request: { body: { required: true, ...json("", Verify) } },
  responses: {
    200: json("Whose it is, and until when", Verified),
    ...problems("invalid_request", "invalid_content"),
  },
});

const changePassword = createRoute({
  method: "post",
  path: "/api/auth/change-password",
  tags: ["sessions"],
  summary: "Change your password; your other sessions end",
  ...usersOnly(),
  request: { body: { required: true, ...json("", PasswordChange) } },
  responses: {
    204: { description: "Changed" },
    ...problems("invalid_request", "invalid_content", "unavailable"),
  },
});

const me = createRoute({
  method: "get",
  path: "/api/auth/me",
  tags: ["sessions"],
  summary: "See who you are, as a user",
  ...usersOnly(),
  responses: { 200: json("You", UserView), ...problems() },
});

const ticket = createRoute({
  method: "post",
  path: "/api/auth/ws-ticket",
  tags: ["sessions"],
  summary: "Get a ticket for `/ws` or `/events/stream`: `?ticket=`, once, within 30 seconds",
  ...knownOnly(),
  responses: { 200: json("The ticket", IssuedTicket), ...problems() },
});

/** Signing in and out, and what goes with it. */
export function sessionRoutes({ sessions, users, principals, tokens, tickets }: Services) {
  return createRouter()
    .openapi(login, async (c) => {
      const given = c.req.valid("json");
      const giveBack = await limitLogin(c, nameKey(given.username));
      const issued = await sessions.signIn(given);
      giveBack();
      return c.json(issued, 200, NO_STORE);
    })
    .openapi(refresh, async (c) => {
      const giveBack = limitStranger(c);
      const issued = await sessions.refresh(c.req.valid("json").refresh_token);
      giveBack();
      return c.json(issued, 200, NO_STORE);
    })
    .openapi(logout, async (c) => {
      const { tenant, user, session } = signedIn(c);
      await sessions.end(tenant, user, session);
      return c.body(null, 204);
    })
    .openapi(verify, async (c) => {
      const { token } = c.req.valid("json");
      const claims = await tokens.verify("access", token);
      const holder = claims && await principals.authenticate(token);
      if (holder?.kind !== "tenant" || holder.tenant !== c.var.tenant) {
        return c.json({ valid: false, sub: null, exp: null, scopes: [] }, 200, NO_STORE);
      }
      const { sub, exp } = claims!;
      return c.json({ valid: true, sub, exp, scopes: [...holder.scopes] }, 200, NO_STORE);
    })
    .openapi(changePassword, async (c) => {
      const giveBack = await limitLogin(c, callerOf(c).subject);
      await users.changePassword(callerOf(c), c.req.valid("json"));
      giveBack();
      return c.body(null, 204);
    })
    .openapi(me, async (c) => {
      const { tenant, user } = signedIn(c);
      return c.json(viewOf((await users.getVersioned(tenant, user)).user), 200);
    })
    .openapi(ticket, async (c) => {
      if (c.var.principal?.kind === "master") {
        throw new Problem("insufficient_scope", "The master key follows nothing");
      }
      return c.json(await tickets.issue(callerOf(c)), 200, NO_STORE);
    });
}

/** The user and the session of who asks, on a route that `usersOnly` keeps. */
function signedIn(c: Context<Env>): { tenant: string; user: string; session: string } {
  const { tenant, subject, session = "" } = callerOf(c);
  return { tenant, user: subject.replace("user:", ""), session };
}

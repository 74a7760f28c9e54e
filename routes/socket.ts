import { AsyncLocalStorage } from "node:async_hooks";
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { Problem } from "../lib/errors.ts";
import type { Connection, Peer } from "../lib/live/connection.ts";
import type { TenantPrincipal } from "../lib/model/tenant.ts";
import { neighbourhood } from "../lib/net/client_address.ts";
import type { Services } from "../lib/services.ts";
import { createRouter, type Env } from "./shared/app.ts";
import { problems } from "./shared/problems.ts";
import { addressOf } from "./shared/rate_limit.ts";
import { guest } from "./shared/secured.ts";
import { refusePlain, upgrade } from "./shared/websocket.ts";

/** Deno asks a silent client after half of it, in seconds, and drops it at the end. */
const IDLE_TIMEOUT_S = 60;
/** Connections on their way out take room as well: so many times the limit, then 503. */
const MAX_WITH_LEAVING = 2;

const live = createRoute({
  method: "get",
  path: "/ws",
  tags: ["live"],
  summary: "Follow events and cameras by WebSocket",
  description: "A WebSocket of JSON messages. Who you are is told by `?ticket=` (from POST " +
    '/api/auth/ws-ticket), by the usual headers, or by a first message `{"type":"auth","token":…}` ' +
    "within 10 s; a key in the address is refused. Answers begin with `connected`. Say `subscribe` " +
    "or `unsubscribe` with `channels`: `events` (scope `events:read`; `after`, an event's `id`, " +
    "goes on behind it) and `camera_<id>` (`cameras:read`). Comes: `subscribed`, `new_event`, " +
    "`event_updated`, `event_acknowledged`, `event_deleted`, `reset`, `frame_update`, `heartbeat` " +
    "each 30 s, `error`; `ping` is answered by `pong`.",
  request: {
    query: z.strictObject({
      ticket: z.string().optional().openapi({
        description: "From POST /api/auth/ws-ticket, where no header can be sent",
      }),
    }),
  },
  responses: {
    101: { description: "The WebSocket begins" },
    ...problems(
      "unauthorized",
      "forbidden",
      "insufficient_scope",
      "invalid_content",
      "upgrade_required",
      "rate_limited",
      "unavailable",
    ),
  },
});

/** WebSockets for who wants to see what happens, as it happens. */
export function socketRoutes(services: Services) {
  const { config, clock, sockets } = services;
  let there = 0;
  /** A connection outlives its request, and must not keep it. */
  const outside = AsyncLocalStorage.snapshot();
  return createRouter().openapi(live, async (c) => {
    refusePlain(c.req.raw);
    refuseOtherSites(c);
    if (there >= MAX_WITH_LEAVING * config.WS_MAX_CONNECTIONS) {
      throw new Problem("unavailable", "Too many connections", { retryAfter: 5 });
    }
    const peer = await peerOf(c);
    let connection: Connection | null = null;
    const handlers = {
      open: (socket: Parameters<typeof sockets.admit>[0]) =>
        void (connection = sockets.admit(socket, peer)),
      hear: (data: unknown) => connection?.hear(data),
      end() {
        there--;
        if (connection) sockets.forget(connection);
      },
    };
    const options = { clock, idleTimeout: IDLE_TIMEOUT_S };
    const response = outside(() => upgrade(c.req.raw, handlers, options));
    there++;
    c.set("upgrade", response);
    return new Response();
  });
}

/** Who asks, and how somebody unknown may tell yet: each try counts until it proves right. */
async function peerOf(c: Context<Env>): Promise<Peer> {
  const { principals, limits } = c.var.services;
  const principal = await guest(c);
  // The request cannot be read any more when the first message comes.
  const address = neighbourhood(addressOf(c));
  const authenticate = async (secret: string): Promise<TenantPrincipal> => {
    const { allowed, giveBack } = limits.try(address);
    if (!allowed) throw new Problem("rate_limited", "Too many wrong keys: try again in a minute");
    const known = await principals.authenticate(secret);
    if (!known) throw new Problem("unauthorized", "Send a valid key or access token");
    giveBack();
    if (known.kind === "tenant") return known;
    throw new Problem("insufficient_scope", "The master key manages clients only");
  };
  return { principal, authenticate };
}

/**
 * A browser tells which site's page connects, and asks nobody first (RFC 6455, 10.2): only our own
 * pages, and those that may call the API.
 */
function refuseOtherSites(c: Context<Env>) {
  const { CORS_ORIGINS, PUBLIC_URL } = c.var.services.config;
  const origin = c.req.header("Origin");
  if (origin === undefined || CORS_ORIGINS.includes("*") || CORS_ORIGINS.includes(origin)) return;
  const { host } = URL.parse(origin) ?? { host: "" };
  const own = [c.req.header("Host"), PUBLIC_URL && new URL(PUBLIC_URL).host];
  if (host && own.includes(host)) return;
  throw new Problem("forbidden", "Pages of this site may not connect: see CORS_ORIGINS");
}

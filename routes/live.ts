import { createRoute, z } from "@hono/zod-openapi";
import { streamSSE } from "hono/streaming";
import { Problem } from "../lib/errors.ts";
import { FellBehind } from "../lib/live/tails.ts";
import { Id } from "../lib/model/scalars.ts";
import type { Services } from "../lib/services.ts";
import { createRouter } from "./shared/app.ts";
import { problems } from "./shared/problems.ts";
import { ticketed } from "./shared/secured.ts";

/** Proxies close connections on which nothing comes for about a minute. */
const HEARTBEAT_MS = 20_000;

const stream = createRoute({
  method: "get",
  path: "/events/stream",
  tags: ["live"],
  summary: "Follow what happens, as Server-Sent Events",
  ...ticketed("images:read"),
  request: {
    query: z.object({
      ticket: z.string().optional().openapi({
        description: "From POST /api/auth/ws-ticket, where no header can be sent",
      }),
    }),
    headers: z.object({
      "last-event-id": z.string().optional().openapi({
        description:
          "Goes on behind this event without a gap; `reset` comes first if it is too old",
      }),
    }),
  },
  responses: {
    200: { description: "Events", content: { "text/event-stream": { schema: z.string() } } },
    ...problems("invalid_request"),
  },
});

/** What happens, as it happens. */
export function liveRoutes({ tails, clock }: Services) {
  return createRouter().openapi(stream, (c) => {
    const after = c.req.header("Last-Event-ID")?.trim() || null;
    if (after && !Id.safeParse(after).success) {
      throw new Problem("invalid_request", "Cannot resume: Last-Event-ID is not of this stream");
    }
    const { tenant } = c.var;
    return streamSSE(c, async (sse) => {
      const ended = new AbortController();
      sse.onAbort(() => ended.abort());
      let cancelBeat = () => {};
      const beat = () => {
        cancelBeat = clock.after(HEARTBEAT_MS, () => {
          sse.write(": still here\n\n").then(beat, () => ended.abort());
        });
      };
      beat();
      try {
        const items = await tails.follow(tenant, after, ended.signal);
        for await (const { id, type, ...item } of items) {
          await sse.writeSSE({ id, event: type, data: JSON.stringify(item) });
        }
      } catch (error) {
        // It ends; who comes again is told by `reset`.
        if (!(error instanceof FellBehind)) throw error;
      } finally {
        cancelBeat();
        ended.abort();
      }
    });
  });
}

import type { MiddlewareHandler } from "hono";
import type { Clock } from "../../lib/clock.ts";
import { Problem } from "../../lib/errors.ts";
import type { Socket } from "../../lib/live/outbox.ts";
import type { Env } from "./app.ts";
import { cutSocket } from "./cut_socket.ts";

/** The other end has so long to answer a goodbye, before it is cut off. */
const FAREWELL_MS = 5_000;
/** A connection that takes nothing stays open behind our back until the other end goes. */
const HELD_MS = 10 * 60_000;
const MAX_REASON_BYTES = 123;

/** What becomes of a WebSocket. */
export type Handlers = {
  open(socket: Socket): void;
  hear(data: unknown): void;
  /** Called once, when it takes no room any more, however it ended. */
  end(): void;
};

type Options = {
  clock: Clock;
  /** Deno asks a silent peer after half of it (s), and closes when it gets no answer in the other. */
  idleTimeout: number;
};

/** Throws `upgrade_required` for a request that asks for no WebSocket. */
export function refusePlain(request: Request) {
  if (request.headers.get("Upgrade")?.toLowerCase() === "websocket") return;
  throw new Problem("upgrade_required", "Connect here with a WebSocket", {
    headers: { Upgrade: "websocket" },
  });
}

/**
 * Makes a WebSocket of a request: the answer is for `c.var.upgrade`. Throws `invalid_request` where
 * the request is not complete.
 */
export function upgrade(request: Request, handlers: Handlers, options: Options): Response {
  const { socket, response } = accept(request, options.idleTimeout);
  const adapted = adapt(socket, options.clock, () => handlers.end());
  socket.onopen = () => handlers.open(adapted);
  socket.onmessage = ({ data }) => handlers.hear(data);
  return response;
}

/** Gives `Deno.serve` the answer that begins a WebSocket: it takes no copy of it. */
export const giveUpgrade: MiddlewareHandler<Env> = async (c, next) => {
  await next();
  if (!c.var.upgrade) return;
  // Else Hono would make a new answer, with the headers of both.
  c.res = undefined;
  c.res = c.var.upgrade;
};

function accept(request: Request, idleTimeout: number) {
  try {
    return Deno.upgradeWebSocket(request, { idleTimeout });
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new Problem("invalid_request", "Cannot begin a WebSocket: its headers are not complete", {
      cause,
    });
  }
}

function adapt(socket: WebSocket, clock: Clock, end: () => void): Socket {
  let cancelCut = () => {};
  let cancelEnd = () => {};
  let cutAt = Infinity;
  /** Something was on its way when it was closed. */
  let waits = false;
  let isBlocked = false;
  let isOver = false;
  const over = () => {
    cancelEnd();
    if (!isOver) end();
    isOver = true;
  };
  /** Cuts it then, unless it is to be cut before. */
  const cutAfter = (ms: number) => {
    const at = clock.now() + ms;
    if (socket.readyState === WebSocket.CLOSED || at >= cutAt) return;
    cancelCut();
    cutAt = at;
    cancelCut = clock.after(ms, () => {
      isBlocked = waits;
      cutSocket(socket);
    });
  };
  socket.onclose = () => {
    cancelCut();
    if (!isBlocked) return over();
    // What was being written keeps it; it is told once more when that has failed.
    isBlocked = false;
    cancelEnd = clock.after(HELD_MS, over);
  };
  return {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send: (text) => socket.send(text),
    close(code, reason, patienceMs = FAREWELL_MS) {
      if (socket.readyState === WebSocket.OPEN) {
        waits = socket.bufferedAmount > 0;
        socket.close(code, shortened(reason));
      }
      cutAfter(patienceMs);
    },
  };
}

function shortened(reason: string): string {
  const bytes = new Uint8Array(MAX_REASON_BYTES);
  const { read } = new TextEncoder().encodeInto(reason, bytes);
  return reason.slice(0, read);
}

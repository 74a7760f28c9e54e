import { getLogger } from "@logtape/logtape";
import type { Cameras } from "../cameras.ts";
import { type Clock, timestamp } from "../clock.ts";
import { Problem } from "../errors.ts";
import type { Frames } from "../frames.ts";
import type { TenantPrincipal } from "../model/tenant.ts";
import { createAllowance } from "./allowance.ts";
import { createChannels } from "./channels.ts";
import { type ClientMessage, CLOSE } from "./messages.ts";
import { createOutbox, type Socket } from "./outbox.ts";
import { parseMessage, tokenIn } from "./parse.ts";
import { FellBehind, type Tails } from "./tails.ts";

const log = getLogger(["imago", "live"]);

/** Who does not say who they are within this time is sent away. */
const AUTH_MS = 10_000;
const HEARTBEAT_MS = 30_000;
/** Messages that a client may send at once, and each second. */
const MESSAGES = { burst: 60, perSecond: 20 };
/** Characters of a message; what we understand is far below it. */
const MAX_MESSAGE = 65_536;
/** Heartbeats in a row at which a client has taken nothing of what waits for it. */
const MAX_STUCK_BEATS = 3;

type Deps = {
  clock: Clock;
  tails: Tails;
  frames: Frames;
  cameras: Pick<Cameras, "get">;
  /** Who somebody known is now; null when they may do nothing any more. */
  renew: (principal: TenantPrincipal) => Promise<TenantPrincipal | null>;
};

/** Who is at the other end, and how they may yet tell. */
export type Peer = {
  /** Known before the connection was made; null for who is to tell in the first message. */
  principal: TenantPrincipal | null;
  /** Who holds a secret. Throws a `Problem` when nobody does, or too many were tried. */
  authenticate: (secret: string) => Promise<TenantPrincipal>;
};

/** Whether a client has said something, and whether it did since it was last asked. */
type Voice = "mute" | "heard" | "asked";

export type Connection = ReturnType<typeof createConnection>;

/** One client of `/ws`: what it says, what it follows, and when it has to go. */
export function createConnection(deps: Deps, socket: Socket, peer: Peer) {
  const { clock, renew } = deps;
  const outbox = createOutbox(socket, clock);
  const { send, tell } = outbox;
  const allowance = createAllowance(clock, MESSAGES.burst, MESSAGES.perSecond);
  const channels = createChannels({ ...deps, outbox, fail: (error) => fail(error) });
  let principal: TenantPrincipal | null = null;
  let cancelTimer = () => {};
  let stuckBeats = 0;
  let closed = false;
  /** What it has said, since it was last asked. */
  let voice: Voice = "mute";
  /** What is said is done in its order. */
  let work = Promise.resolve();

  const end = () => {
    closed = true;
    cancelTimer();
    channels.end();
    outbox.end();
  };

  const close = (code: number, reason: string, patienceMs?: number) => {
    if (closed && patienceMs === undefined) return;
    if (!closed) end();
    socket.close(code, reason, patienceMs);
  };

  const welcome = (known: TenantPrincipal) => {
    principal = known;
    cancelTimer();
    tell({ type: "connected", heartbeat_s: HEARTBEAT_MS / 1000 });
    beatLater();
  };

  const beatLater = () => {
    if (closed) return;
    const left = (principal?.endsAt ?? Infinity) - clock.now();
    cancelTimer = clock.after(Math.max(0, Math.min(HEARTBEAT_MS, left)), () => run(beat));
  };

  const beat = async () => {
    await recheck();
    if (closed) return;
    stuckBeats = outbox.isStuck() ? stuckBeats + 1 : 0;
    if (stuckBeats >= MAX_STUCK_BEATS) return close(CLOSE.policy, "Too slow: nothing was taken");
    // Whoever takes nothing needs no further heartbeats to wait for it.
    if (stuckBeats === 0) tell({ type: "heartbeat", at: timestamp(clock.now()) });
    beatLater();
  };

  /** Ends what the client may not have any more. */
  const recheck = async () => {
    if (!principal || closed) return;
    principal = await renew(principal);
    if (!principal) return close(CLOSE.unauthorized, "The key or session has ended");
    channels.review(principal, refuse);
  };

  const refuse = (error: unknown, channel?: string) => {
    if (!(error instanceof Problem)) throw error;
    tell({ type: "error", code: error.code, message: error.detail, channel });
  };

  const subscribe = async (known: TenantPrincipal, names: string[], after: string | null) => {
    const begin: (() => void)[] = [];
    for (const name of new Set(names)) {
      const entered = channels.enter(known, name, after);
      await entered.then((go) => begin.push(go), (error) => refuse(error, name));
      if (closed) return channels.end();
    }
    tellChannels();
    for (const go of begin) go();
  };

  const tellChannels = () => tell({ type: "subscribed", channels: channels.names() });

  const authenticate = async (text: string) => {
    const known = await peer.authenticate(tokenIn(text));
    if (!closed) welcome(known);
  };

  const obey = async (known: TenantPrincipal, message: ClientMessage): Promise<void> => {
    switch (message.type) {
      case "ping":
        return tell({ type: "pong" });
      case "pong":
        return;
      case "auth":
        return tell({ type: "error", code: "conflict", message: "You are known already" });
      case "subscribe":
        return await subscribe(known, message.channels, message.after ?? null);
      case "unsubscribe":
        message.channels.forEach(channels.leave);
        return tellChannels();
    }
  };

  const hear = async (text: string) => {
    try {
      // As clients write it that speak no JSON.
      if (text === "ping" && principal) return send("pong");
      if (principal) await obey(principal, parseMessage(text));
      else await authenticate(text);
    } catch (error) {
      if (principal || closed || !(error instanceof Problem)) return refuse(error);
      refuse(error);
      close(CLOSE.unauthorized, "Nobody known");
    }
  };

  const run = (task: () => Promise<void>) => {
    work = work.then(() => closed ? undefined : task()).catch(fail);
  };

  const fail = (error: unknown) => {
    if (error instanceof FellBehind) return close(CLOSE.policy, "Too slow: events were lost");
    const tenant = principal?.tenant ?? null;
    log.error("A live connection failed: {error}", { error, tenant });
    close(CLOSE.internal, "Something went wrong on our side");
  };

  if (peer.principal) welcome(peer.principal);
  else {
    cancelTimer = clock.after(
      AUTH_MS,
      () => close(CLOSE.unauthorized, "Nobody told in time who this is"),
    );
  }

  return {
    /** Takes a message. What cannot be one of ours ends the connection. */
    hear(data: unknown) {
      if (closed) return;
      voice = "heard";
      if (!allowance.take()) return close(CLOSE.policy, "Too many messages");
      if (typeof data !== "string") return close(CLOSE.unsupported, "Messages are JSON texts");
      if (data.length > MAX_MESSAGE) return close(CLOSE.tooBig, "The message is too large");
      run(() => hear(data));
    },

    /** Looks again at what the client may have. */
    recheck: () => run(recheck),

    /** Ends it, and says why; see `Socket`. */
    close,

    /** Asks for a sign of life. */
    ask() {
      if (closed || voice === "mute") return;
      voice = "asked";
      tell({ type: "ping" });
    },

    /** Nobody hears any more who is on the way out. */
    voice: (): Voice => closed ? "mute" : voice,

    /** Bytes that what is sent to it may take. */
    footprint: outbox.footprint,

    /** Tells it that the other end is gone. */
    end,

    /** The tenant whose things it follows; null for somebody who is not known yet. */
    tenant: () => principal?.tenant ?? null,
  };
}

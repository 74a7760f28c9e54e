import { covers } from "../auth/scopes.ts";
import type { Cameras } from "../cameras.ts";
import type { Clock } from "../clock.ts";
import { Problem } from "../errors.ts";
import type { Frames } from "../frames.ts";
import type { FeedItem } from "../model/feed.ts";
import { Id } from "../model/scalars.ts";
import type { Scope, TenantPrincipal } from "../model/tenant.ts";
import { createAllowance } from "./allowance.ts";
import { MAX_CHANNELS } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import type { Tails } from "./tails.ts";
import { tellEvents } from "./tell_events.ts";

/** What the channel of a camera is called, before its id. */
const CAMERA = "camera_";
/** Channels that may be looked up at once, and each second: each costs readings of the database. */
const LOOKUPS = { burst: 2 * MAX_CHANNELS, perSecond: 20 };
/** Going back in the log costs as much as so many cameras. */
const EVENTS_COST = 10;

type Deps = {
  clock: Clock;
  tails: Tails;
  frames: Frames;
  cameras: Pick<Cameras, "get">;
  outbox: Outbox;
  /** What is followed has come to an end that nobody asked for. */
  fail: (error: unknown) => void;
};

/** What one client follows: `events`, and cameras as `camera_<id>`. */
export function createChannels({ clock, tails, frames, cameras, outbox, fail }: Deps) {
  /** Each with what ends it. */
  const followed = new Map<string, () => void>();
  const lookups = createAllowance(clock, LOOKUPS.burst, LOOKUPS.perSecond);

  const leave = (name: string) => {
    followed.get(name)?.();
    followed.delete(name);
  };

  const enterEvents = async (tenant: string, after: string | null) => {
    const left = new AbortController();
    followed.set("events", () => left.abort());
    const items = await tails.follow(tenant, after, left.signal);
    return () => void followEvents(items, left.signal);
  };

  const followEvents = async (items: AsyncIterable<FeedItem>, signal: AbortSignal) => {
    try {
      await tellEvents(items, outbox, signal);
    } catch (error) {
      if (!signal.aborted) fail(error);
    }
  };

  /** Who comes to a camera sees at once what it saw last. */
  const enterCamera = async (tenant: string, name: string) => {
    const id = name.slice(CAMERA.length);
    await cameras.get(tenant, id);
    followed.set(name, () => {});
    return () => {
      if (!followed.has(name)) return;
      const latest = frames.latest(tenant, id);
      if (latest) outbox.show(id, latest);
      const stop = frames.follow(tenant, id, (frame) => outbox.show(id, frame));
      followed.set(name, () => (stop(), outbox.forget(id)));
    };
  };

  return {
    /**
     * Takes a channel; returns what begins it, to be called once that was told. `events` goes on
     * behind `after`. `insufficient_scope`, `not_found` for a camera that the tenant does not have,
     * `rate_limited`, or `invalid_content` for one too many.
     */
    async enter(
      principal: TenantPrincipal,
      name: string,
      after: string | null,
    ): Promise<() => void> {
      permit(principal, name);
      const isEvents = name === "events";
      if (followed.has(name) && !(isEvents && after)) return () => {};
      if (!lookups.take(isEvents ? EVENTS_COST : 1)) {
        throw new Problem("rate_limited", "Too many subscriptions: try again in some seconds");
      }
      leave(name);
      if (followed.size >= MAX_CHANNELS) {
        throw new Problem("invalid_content", `Cannot follow more than ${MAX_CHANNELS} channels`);
      }
      const { tenant } = principal;
      return isEvents ? await enterEvents(tenant, after) : await enterCamera(tenant, name);
    },

    leave,

    /** Leaves what somebody may not follow (any more), and calls `told` with each and why. */
    review(principal: TenantPrincipal, told: (error: unknown, name: string) => void) {
      for (const name of [...followed.keys()]) {
        try {
          permit(principal, name);
        } catch (error) {
          leave(name);
          told(error, name);
        }
      }
    },

    /** What is followed now. */
    names: () => [...followed.keys()],

    end: () => [...followed.keys()].forEach(leave),
  };
}

function permit({ scopes }: TenantPrincipal, name: string) {
  const scope = scopeOf(name);
  if (covers(scopes, [scope])) return;
  throw new Problem("insufficient_scope", `This needs the scope "${scope}"`);
}

function scopeOf(name: string): Scope {
  if (name === "events") return "events:read";
  const isCamera = name.startsWith(CAMERA) && Id.safeParse(name.slice(CAMERA.length)).success;
  if (isCamera) return "cameras:read";
  throw new Problem("not_found", `There is no channel "${name}"`);
}

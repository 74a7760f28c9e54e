import { z } from "zod";
import { Id } from "../model/scalars.ts";

/** Channels of one socket at once. */
export const MAX_CHANNELS = 100;

const channels = z.array(z.string().max(100)).min(1).max(MAX_CHANNELS);

/** What a client may say on `/ws`. */
export const ClientMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("auth"), token: z.string().min(1).max(8_192) }),
  z.object({ type: z.literal("ping") }),
  z.object({ type: z.literal("pong") }),
  z.object({
    type: z.literal("subscribe"),
    channels,
    /** The id of the last event that was seen: `events` goes on behind it. */
    after: Id.nullish(),
  }),
  z.object({ type: z.literal("unsubscribe"), channels }),
]);
export type ClientMessage = z.infer<typeof ClientMessage>;

/** Why a connection is closed (RFC 6455, 7.4), and what Imago adds. */
export const CLOSE = {
  going: 1001,
  unsupported: 1003,
  policy: 1008,
  tooBig: 1009,
  internal: 1011,
  tryLater: 1013,
  unauthorized: 4401,
} as const;

/** What events of the feed are called on `/ws`. */
export const EVENT_MESSAGES: Readonly<Record<string, string>> = {
  "event.created": "new_event",
  "event.updated": "event_updated",
  "event.acknowledged": "event_acknowledged",
  "event.deleted": "event_deleted",
  "reset": "reset",
};

import { z } from "@hono/zod-openapi";
import { Id, Time } from "./scalars.ts";

export const EventType = z.enum(["person", "vehicle", "intrusion", "fall", "motion", "other"])
  .openapi("EventType");
export type EventType = z.infer<typeof EventType>;

export const EventSeverity = z.enum(["low", "medium", "high", "critical"]).openapi("EventSeverity");
export type EventSeverity = z.infer<typeof EventSeverity>;

const share = z.number().min(0).max(1);

/** Where in the frame, as shares of its width and height, from its upper left corner. */
export const Box = z.strictObject({ x: share, y: share, width: share, height: share })
  .refine(({ x, width }) => x + width <= 1.001, "it reaches beyond the frame's right")
  .refine(({ y, height }) => y + height <= 1.001, "it reaches beyond the frame's bottom")
  .openapi("Box");
export type Box = z.infer<typeof Box>;

const description = z.string().trim().max(2_000);
const notes = z.string().trim().max(4_000);

/** Something that was seen, by a camera or by whoever posted it. */
export const Event = z.object({
  id: Id.openapi({ description: "A UUIDv7 of when it occurred" }),
  camera_id: Id.nullable(),
  type: EventType,
  severity: EventSeverity,
  description,
  notes: notes.openapi({ description: "What people wrote about it" }),
  box: Box.nullable(),
  confidence: share.nullable(),
  image_id: Id.nullable().openapi({
    description: "The frame, an image of the tenant; a camera's frame is kept as long as its event",
  }),
  occurred_at: Time,
  created_at: Time,
  acknowledged: z.boolean(),
  acknowledged_by: z.string().nullable().openapi({ description: "`key:<id>` or `user:<id>`" }),
  acknowledged_at: Time.nullable(),
}).openapi("Event");
export type Event = z.infer<typeof Event>;

/** An event as it is stored. */
export const EventRow = Event.extend({
  tenant: Id,
  /** Grows by one with each change. */
  version: z.number().int(),
});
export type EventRow = z.infer<typeof EventRow>;

/** What POST /api/events takes. */
export const NewEvent = z.strictObject({
  camera_id: Id.nullable().default(null),
  type: EventType,
  severity: EventSeverity.default("medium"),
  description: description.default(""),
  notes: notes.default(""),
  box: Box.nullable().default(null),
  confidence: share.nullable().default(null),
  image_id: Id.nullable().default(null),
  occurred_at: z.iso.datetime({ offset: true }).optional().openapi({
    description: "Now, if left out; not in the future",
  }),
}).openapi("NewEvent");
export type NewEvent = z.infer<typeof NewEvent>;

/** What PATCH /api/events/{id} takes. */
export const EventPatch = z.strictObject({
  type: EventType,
  severity: EventSeverity,
  description,
  notes,
  acknowledged: z.boolean(),
}).partial().openapi("EventPatch");
export type EventPatch = z.infer<typeof EventPatch>;

/** What lists of events can be narrowed to. Times are in ms since 1970, both inclusive. */
export type EventFilter = {
  camera_id?: string;
  type?: EventType;
  severity?: EventSeverity;
  acknowledged?: boolean;
  from?: number;
  to?: number;
};

const count = z.number().int();

/** How many events there are now. */
export const EventStats = z.object({
  total: count,
  unacknowledged: count,
  by_type: z.record(EventType, count),
  by_severity: z.record(EventSeverity, count),
  by_camera: z.array(z.object({ camera_id: Id, count })).openapi({
    description: "Most events first, 1,000 at most",
  }),
  days: z.array(z.object({ date: z.iso.date(), count })).openapi({
    description: "The last days in UTC, oldest first",
  }),
}).openapi("EventStats");
export type EventStats = z.infer<typeof EventStats>;

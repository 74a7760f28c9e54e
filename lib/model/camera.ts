import { z } from "@hono/zod-openapi";
import { Box, EventSeverity, EventType } from "./event.ts";
import { Id, Time } from "./scalars.ts";

/** Stopped; not seen yet since it was started; sending pictures; tried again, ever more rarely. */
export const CameraStatus = z.enum(["inactive", "connecting", "active", "error"])
  .openapi("CameraStatus");
export type CameraStatus = z.infer<typeof CameraStatus>;

const name = z.string().trim().min(1).max(120);

/** A part of the picture; rules know it by its name. */
export const Zone = Box.safeExtend({
  name: z.string().trim().max(120).default(""),
}).openapi("CameraZone");
export type Zone = z.infer<typeof Zone>;

const motion = {
  enabled: z.boolean(),
  min_area: z.number().min(0.0005).max(1).openapi({
    description: "Share of the zones (or of the picture) that must move together",
  }),
  cooldown_s: z.number().min(0).max(86_400).openapi({
    description: "After an event, motion is not looked into again for so long",
  }),
  zones: z.array(Zone).max(16).openapi({
    description: "Where motion counts; everywhere when there are none",
  }),
};

/** When a camera's picture is said to move. */
export const MotionSettings = z.strictObject(motion).openapi("CameraMotion");
export type MotionSettings = z.infer<typeof MotionSettings>;

/** Who says what a picture shows: nobody, the provider of AI, or the operator's model. */
export const Detect = z.enum(["none", "provider", "model"]).openapi("CameraDetect");
export type Detect = z.infer<typeof Detect>;

/** What becomes of something that was seen. The first rule that fits decides. */
export const Rule = z.strictObject({
  labels: z.array(z.string().trim().toLowerCase().min(1).max(60)).max(80).default([]).openapi({
    description: "What it must be, `motion` for movement that nobody named; anything when empty",
    example: ["person"],
  }),
  zone: name.nullable().default(null).openapi({
    description: "Where it must stand: one of the zones; anywhere when null",
  }),
  min_confidence: z.number().min(0).max(1).default(0),
  type: z.enum([...EventType.options, "none"]).openapi({ description: "none: no event" }),
  severity: EventSeverity.default("medium"),
}).openapi("CameraRule");
export type Rule = z.infer<typeof Rule>;

const settings = {
  name,
  location: z.string().trim().max(200),
  fps: z.number().min(0.02).max(30).openapi({
    description:
      "Pictures a second: how often snapshots are fetched, and how much of a stream is used",
  }),
  motion: MotionSettings,
  detect: Detect,
  keep_every_s: z.number().int().min(1).max(86_400).nullable().openapi({
    description: "Keeps a picture every so many seconds, whatever it shows; null for none",
  }),
  rules: z.array(Rule).max(32),
};

/** A camera as it is stored. */
export const CameraRow = z.object({
  id: Id,
  tenant: Id,
  /** Grows by one with each change. */
  version: z.number().int(),
  ...settings,
  /** Its address as it may be shown. */
  url: z.string(),
  /** Its address with user and password, sealed. */
  sealed_url: z.string(),
  created_at: Time,
  updated_at: Time,
});
export type CameraRow = z.infer<typeof CameraRow>;

/** How a camera does: written when that changes, and its figures now and then. */
export const CameraState = z.object({
  status: CameraStatus,
  /** When it came to be so. */
  since: Time,
  error: z.string().nullable(),
  started_at: Time.nullable(),
  last_frame_at: Time.nullable(),
  /** Since it was created. */
  frames: z.number().int(),
  errors: z.number().int(),
  /** Of late. */
  fps: z.number(),
});
export type CameraState = z.infer<typeof CameraState>;

/** That a camera is started, and which process watches it. */
export const CameraWatch = z.object({
  /** The version of the camera to be watched. */
  version: z.number().int(),
  owner: z.string().nullable(),
  /** When others may take it over, in ms since 1970. */
  until_ms: z.number(),
});
export type CameraWatch = z.infer<typeof CameraWatch>;

/** A camera as its tenant sees it. */
export const Camera = CameraRow.omit({ tenant: true, version: true, sealed_url: true }).extend({
  url: z.string().openapi({
    description: "User, password and secrets in the query are masked",
    example: "rtsp://***:***@203.0.113.7/stream1",
  }),
  status: CameraStatus,
  status_since: Time,
  error: z.string().nullable().openapi({ description: "Why it is in error" }),
}).openapi("CameraDetails");
export type Camera = z.infer<typeof Camera>;

const url = z.string().trim().min(1).max(2_048).openapi({
  description: "http, https (JPEG snapshots or MJPEG) or rtsp, with user and password where needed",
  example: "rtsp://viewer:secret@203.0.113.7/stream1",
});

/** What POST /api/cameras takes. */
export const NewCamera = z.strictObject({
  name,
  url,
  location: settings.location.default(""),
  fps: settings.fps.default(2),
  motion: z.strictObject({
    enabled: motion.enabled.default(true),
    min_area: motion.min_area.default(0.005),
    cooldown_s: motion.cooldown_s.default(10),
    zones: motion.zones.default([]),
  }).prefault({}),
  detect: settings.detect.default("none"),
  keep_every_s: settings.keep_every_s.default(null),
  rules: settings.rules.default([]),
}).openapi("NewCamera");
export type NewCamera = z.infer<typeof NewCamera>;

/** What PUT /api/cameras/{id} takes: what is left out stays, and so does a masked url. */
export const CameraPatch = z.strictObject({
  ...settings,
  motion: MotionSettings.partial(),
  url,
}).partial().openapi("CameraPatch");
export type CameraPatch = z.infer<typeof CameraPatch>;

/** What GET /api/cameras/{id}/stats tells. */
export const CameraStats = CameraState.pick({ frames: true, errors: true }).extend({
  id: Id,
  status: CameraStatus,
  fps: z.number().openapi({ description: "Pictures a second of late" }),
  last_frame_at: Time.nullable(),
  events: z.number().int().openapi({ description: "Of this camera that are kept" }),
  uptime_s: z.number().openapi({
    description: "Since it began to send pictures; 0 while it does not",
  }),
}).openapi("CameraStats");
export type CameraStats = z.infer<typeof CameraStats>;

import { z } from "@hono/zod-openapi";
import { EventSeverity, EventType } from "./event.ts";
import { Id, Time } from "./scalars.ts";

/** Stopped; not seen yet since it was started; sending pictures; tried again, ever more rarely. */
export const CameraStatus = z.enum(["inactive", "connecting", "active", "error"])
  .openapi("CameraStatus");
export type CameraStatus = z.infer<typeof CameraStatus>;

const share = z.number().min(0).max(1);
const name = z.string().trim().min(1).max(120);
const zoneName = z.string().trim().min(1).max(60);

/** A part of the picture that is looked at: a polygon of shares of width and height. */
export const Zone = z.strictObject({
  name: zoneName,
  points: z.array(z.strictObject({ x: share, y: share })).min(3).max(32),
}).openapi("Zone");
export type Zone = z.infer<typeof Zone>;

const motionFields = {
  enabled: z.boolean(),
  min_area: share.openapi({ description: "Share of the picture that has to move" }),
  cooldown_s: z.number().min(0).max(86_400).openapi({
    description: "So long after an event, further motion is the same event",
  }),
  zones: z.array(Zone).max(16).openapi({ description: "Where it looks; everywhere if empty" }),
};

/** What counts as motion. */
export const Motion = z.strictObject(motionFields).openapi("Motion");
export type Motion = z.infer<typeof Motion>;

/** What a detection becomes. The first rule that fits decides; without one it keeps its own type. */
export const CameraRule = z.strictObject({
  label: z.string().trim().toLowerCase().min(1).max(60).openapi({
    description: "What was detected (`person`, `car` …, `motion`), or `*` for anything",
    example: "person",
  }),
  zone: zoneName.nullable().default(null).openapi({
    description: "Only where the middle of its box lies in this zone",
  }),
  min_confidence: share.default(0),
  type: EventType,
  severity: EventSeverity,
}).openapi("CameraRule");
export type CameraRule = z.infer<typeof CameraRule>;

export const Detector = z.enum(["none", "provider", "model"]).openapi({
  description:
    "Who says what moves: nobody (motion alone), the vision provider, or the ONNX model of DETECT_MODEL_PATH",
});
export type Detector = z.infer<typeof Detector>;

const settings = {
  name,
  location: z.string().trim().max(200),
  fps: z.number().min(0.02).max(30).openapi({
    description:
      "Pictures a second: how often snapshots are fetched, and how much of a stream is used",
  }),
  detect: Detector,
  keep_every_s: z.number().min(1).max(86_400).nullable().openapi({
    description: "Keeps a picture so often, whatever it shows; null keeps those of events alone",
  }),
  rules: z.array(CameraRule).max(32),
};

/** A camera as it is stored. */
export const CameraRow = z.object({
  id: Id,
  tenant: Id,
  /** Grows by one with each change. */
  version: z.number().int(),
  ...settings,
  motion: Motion,
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
  events: z.number().int(),
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
    enabled: motionFields.enabled.default(true),
    min_area: motionFields.min_area.default(0.01),
    cooldown_s: motionFields.cooldown_s.default(30),
    zones: motionFields.zones.default([]),
  }).prefault({}),
  detect: settings.detect.default("none"),
  keep_every_s: settings.keep_every_s.default(null),
  rules: settings.rules.default([]),
}).openapi("NewCamera");
export type NewCamera = z.infer<typeof NewCamera>;

/** What PUT /api/cameras/{id} takes: what is left out stays, and so does a masked url. */
export const CameraPatch = z.strictObject({
  ...settings,
  url,
  motion: z.strictObject(motionFields).partial(),
}).partial().openapi("CameraPatch");
export type CameraPatch = z.infer<typeof CameraPatch>;

/** What GET /api/cameras/{id}/stats tells. */
export const CameraStats = CameraState.pick({ frames: true, errors: true, events: true }).extend({
  id: Id,
  status: CameraStatus,
  fps: z.number().openapi({ description: "Pictures a second of late" }),
  last_frame_at: Time.nullable(),
  uptime_s: z.number().openapi({
    description: "Since it began to send pictures; 0 while it does not",
  }),
}).openapi("CameraStats");
export type CameraStats = z.infer<typeof CameraStats>;

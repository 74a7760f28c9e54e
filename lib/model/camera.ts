import { z } from "@hono/zod-openapi";
import { Id, Time } from "./scalars.ts";

/** Stopped; not seen yet since it was started; sending pictures; tried again, ever more rarely. */
export const CameraStatus = z.enum(["inactive", "connecting", "active", "error"])
  .openapi("CameraStatus");
export type CameraStatus = z.infer<typeof CameraStatus>;

const name = z.string().trim().min(1).max(120);

const settings = {
  name,
  location: z.string().trim().max(200),
  fps: z.number().min(0.02).max(30).openapi({
    description:
      "Pictures a second: how often snapshots are fetched, and how much of a stream is used",
  }),
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
}).openapi("NewCamera");
export type NewCamera = z.infer<typeof NewCamera>;

/** What PUT /api/cameras/{id} takes: what is left out stays, and so does a masked url. */
export const CameraPatch = z.strictObject({
  ...settings,
  url,
}).partial().openapi("CameraPatch");
export type CameraPatch = z.infer<typeof CameraPatch>;

/** What GET /api/cameras/{id}/stats tells. */
export const CameraStats = CameraState.pick({ frames: true, errors: true }).extend({
  id: Id,
  status: CameraStatus,
  fps: z.number().openapi({ description: "Pictures a second of late" }),
  last_frame_at: Time.nullable(),
  uptime_s: z.number().openapi({
    description: "Since it began to send pictures; 0 while it does not",
  }),
}).openapi("CameraStats");
export type CameraStats = z.infer<typeof CameraStats>;

import { z } from "@hono/zod-openapi";
import { CameraStatus } from "./camera.ts";
import { EventSeverity } from "./event.ts";
import { ImageStatus } from "./image.ts";
import { UploadStats } from "./record.ts";

const count = z.number().int();
const share = z.number().min(0).max(1);

const Trend = z.object({
  date: z.iso.date(),
  images: count.openapi({ description: "Taken in on that day; they may be deleted since" }),
  events: count.openapi({ description: "That occurred on that day and are still there" }),
  predictions: count,
});

/** What a tenant has, and how that went of late. */
export const DashboardStats = z.object({
  images: z.object({
    total: count,
    by_status: z.record(ImageStatus, count),
    used_bytes: count.openapi({ description: "Of the quota: images and shop photos" }),
    limit_bytes: count,
  }),
  uploads: UploadStats,
  cameras: z.object({ total: count, by_status: z.record(CameraStatus, count) }),
  events: z.object({
    total: count,
    unacknowledged: count,
    by_severity: z.record(EventSeverity, count),
  }),
  days: z.array(Trend).openapi({ description: "The last days in UTC, oldest first" }),
}).openapi("DashboardStats");
export type DashboardStats = z.infer<typeof DashboardStats>;

/** How fast a tenant is served. */
export const PerformanceStats = z.object({
  fps: z.number().openapi({ description: "Pictures a second of all active cameras together" }),
  cameras: z.array(z.object({ id: z.uuid(), name: z.string(), fps: z.number() })).openapi({
    description: "Those that send pictures, the fastest first",
  }),
  latency: z.object({
    image_seconds: z.number().openapi({
      description: "From upload to the last step's end, on average, of all images there were",
    }),
    prediction_ms: z.number().nullable().openapi({ description: "On average, today (UTC)" }),
    prediction_p95_ms: z.number().nullable().openapi({
      description: "95 of 100 took at most so long, today",
    }),
  }),
  queue: z.object({
    waiting: count.openapi({ description: "Jobs that may start now; counted up to 1,000" }),
    later: count.openapi({ description: "Jobs that wait for their time, such as retries" }),
    running: count,
    oldest_waiting_seconds: z.number(),
  }),
}).openapi("PerformanceStats");
export type PerformanceStats = z.infer<typeof PerformanceStats>;

const Memory = z.object({ total_bytes: count, used_bytes: count });

/** The machine that answers; null is what its system does not tell. */
export const SystemStats = z.object({
  cpu: z.object({
    cores: count,
    usage: share.nullable().openapi({ description: "Of all cores, since it was last asked" }),
    load_average: z.array(z.number()).nullable().openapi({ description: "Of 1, 5 and 15 minutes" }),
  }),
  memory: Memory.nullable(),
  gpu: z.array(Memory.extend({ name: z.string(), usage: share })).nullable(),
  disk: z.object({ free_bytes: count }).nullable().openapi({
    description: "Of the database; null where that is elsewhere",
  }),
  process: z.object({ rss_bytes: count, uptime_seconds: z.number() }),
}).openapi("SystemStats");
export type SystemStats = z.infer<typeof SystemStats>;

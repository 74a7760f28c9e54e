import { z } from "@hono/zod-openapi";
import { table } from "./kv.ts";
import { FeedItem } from "./model/feed.ts";
import { ImageRow } from "./model/image.ts";
import { DeadLetter, Job, Lease } from "./model/job.ts";
import { Id } from "./model/scalars.ts";
import { ApiKey, Tenant } from "./model/tenant.ts";

const DAY = 24 * 60 * 60 * 1000;

const KeyOwner = z.object({ tenant: Id, key: Id });
const Usage = z.object({ bytes: z.number().int(), images: z.number().int() });

/**
 * Everything that Imago keeps in Deno KV: name, value, key parts, expiry. A table whose first part
 * is `tenant` holds that tenant's data and goes with it; the others are indexes.
 */
export const tables = {
  tenants: table("tenants", Tenant, ["tenant"]),
  apiKeys: table("api_keys", ApiKey, ["tenant", "key"]),
  apiKeysByHash: table("api_keys_by_hash", KeyOwner, ["sha256"]),
  usage: table("usage", Usage, ["tenant"]),

  images: table("images", ImageRow, ["tenant", "image"]),
  imagesByHash: table("images_by_hash", z.literal(true), ["tenant", "sha256", "image"]),
  /** OCR text in pieces that fit a KV value. */
  texts: table("texts", z.string(), ["tenant", "image", "piece"]),

  feed: table("feed", FeedItem, ["tenant", "item"], { expireIn: 7 * DAY }),

  jobs: table("jobs", Job, ["tenant", "job"]),
  jobsByState: table("jobs_by_state", z.literal(true), ["tenant", "state", "job"]),
  /** Work that waits: by plan, so that premium goes first, then by tenant, so that none is starved. */
  jobsReady: table("jobs_ready", z.literal(true), ["plan", "tenant", "run_at_ms", "job"]),
  jobsRunning: table("jobs_running", Lease, ["tenant", "job"]),
  deadLetters: table("dead_letters", DeadLetter, ["tenant", "dead_letter"]),
  deadLettersByStep: table("dead_letters_by_step", Id, ["tenant", "image", "step"]),
  /** Doorbells that the queue gave up on; the sweep clears them. */
  lostBells: table("lost_bells", z.unknown(), ["job"], { expireIn: DAY }),
};

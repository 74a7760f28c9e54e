import { z } from "@hono/zod-openapi";
import { table } from "./kv.ts";
import { AuditEntry, Erasure } from "./model/audit.ts";
import { CameraRow, CameraState, CameraWatch } from "./model/camera.ts";
import { DraftRow, Media } from "./model/draft.ts";
import { EventRow } from "./model/event.ts";
import { FeedItem, FeedPlace } from "./model/feed.ts";
import { IdempotentRequest } from "./model/idempotency.ts";
import { ImageRow, Terms } from "./model/image.ts";
import { DeadLetter, Job, Lease } from "./model/job.ts";
import { FeedbackRow, ModelRow, PredictionRow } from "./model/prediction.ts";
import { Refusal } from "./model/record.ts";
import { Id } from "./model/scalars.ts";
import { Schema } from "./model/schema.ts";
import { ApiKey, Tenant } from "./model/tenant.ts";
import { Variants } from "./model/transform.ts";
import { Session, Ticket, User } from "./model/user.ts";
import { DeliveryRow, WebhookRow } from "./model/webhook.ts";

const MINUTE = 60 * 1000;
const DAY = 24 * 60 * MINUTE;

/** How long a refused upload is remembered. */
export const REFUSAL_MS = 90 * DAY;

/** How long what happened can be read again. */
export const FEED_MS = 7 * DAY;

const KeyOwner = z.object({ tenant: Id, key: Id });
const UserPlace = z.object({ tenant: Id, user: Id });
const Usage = z.object({ bytes: z.number().int(), images: z.number().int() });

const EXPORTED = { exported: true } as const;
/** For tables that tell a tenant nothing that the others do not: indexes and workings. */
const INTERNAL = { exported: false } as const;

/**
 * Everything that Imago keeps in Deno KV: name, value, key parts, expiry. A table whose first part
 * is `tenant` holds that tenant's data, goes with it, and says what of it the tenant gets that asks
 * for its data; the others are indexes.
 */
export const tables = {
  schema: table("schema", Schema, []),
  tenants: table("tenants", Tenant, ["tenant"], EXPORTED),
  apiKeys: table("api_keys", ApiKey, ["tenant", "key"], { exported: { without: ["sha256"] } }),
  apiKeysByHash: table("api_keys_by_hash", KeyOwner, ["sha256"]),
  /** The tenant that the first start made; also the sign that there was a first start. */
  firstTenant: table("first_tenant", Id, []),
  users: table("users", User, ["tenant", "user"], { exported: { without: ["password_hash"] } }),
  usersByName: table("users_by_name", UserPlace, ["username"]),
  /** The user that the first start made. */
  firstUser: table("first_user", Id, []),
  sessions: table("sessions", Session, ["tenant", "user", "session"], {
    exported: { without: ["refresh_sha256"] },
  }),
  tickets: table("tickets", Ticket, ["sha256"], { expireIn: MINUTE }),
  usage: table("usage", Usage, ["tenant"], EXPORTED),
  audit: table("audit", AuditEntry, ["tenant", "entry"], EXPORTED),
  /** Outlives the tenant: tells that it was erased, or that this has to be ended. */
  erasures: table("erasures", Erasure, ["erased_tenant"]),
  idempotency: table("idempotency", IdempotentRequest, ["tenant", "key_sha256"], {
    ...INTERNAL,
    expireIn: DAY,
  }),
  /** What all processes together have taken of a rate limit; not used where there is one process. */
  rateWindows: table("rate_windows", z.number().int(), ["policy", "subject", "window"], {
    expireIn: 5 * MINUTE,
  }),

  images: table("images", ImageRow, ["tenant", "image"], EXPORTED),
  imagesByHash: table("images_by_hash", z.literal(true), ["tenant", "sha256", "image"], INTERNAL),
  /** Finds images by what is known of them: under `status:done`, `tag:beach`, `word:sea` … */
  imagesBy: table("images_by", z.literal(true), ["tenant", "term", "image"], INTERNAL),
  /** Under which terms an image stands there. */
  terms: table("terms", Terms, ["tenant", "image"], INTERNAL),
  tagCounts: table("tag_counts", z.instanceof(Deno.KvU64), ["tenant", "tag"], INTERNAL),
  /** OCR text in pieces that fit a KV value. */
  texts: table("texts", z.string(), ["tenant", "image", "piece"], EXPORTED),
  /** What was made of an image on demand; one record, so that their number can be bounded. */
  variants: table("variants", Variants, ["tenant", "image"], EXPORTED),

  refusals: table("refusals", Refusal, ["tenant", "refusal"], {
    ...EXPORTED,
    expireIn: REFUSAL_MS,
  }),
  /** Which refusal stands in which of the tenant's slots: the next one there replaces it. */
  refusalSlots: table("refusal_slots", Id, ["tenant", "slot"], {
    ...INTERNAL,
    expireIn: REFUSAL_MS,
  }),
  /** How many there were: the next one's slot. */
  refusalCount: table("refusal_count", z.number().int(), ["tenant"], INTERNAL),
  uploadCounts: table("upload_counts", z.instanceof(Deno.KvU64), ["tenant", "counter"], EXPORTED),

  drafts: table("drafts", DraftRow, ["tenant", "draft"], EXPORTED),
  draftsByStatus: table(
    "drafts_by_status",
    z.literal(true),
    ["tenant", "status", "draft"],
    INTERNAL,
  ),
  /** Shop photos, once per content. */
  media: table("media", Media, ["tenant", "sha256"], EXPORTED),

  predictions: table("predictions", PredictionRow, ["tenant", "prediction"], EXPORTED),
  /** Under the id of its prediction, where that is known. */
  feedback: table("feedback", FeedbackRow, ["tenant", "feedback"], EXPORTED),
  /** Counters by day (UTC), moved in the transaction of what they count. */
  predictionFigures: table(
    "prediction_figures",
    z.instanceof(Deno.KvU64),
    ["tenant", "day", "figure"],
    EXPORTED,
  ),
  /** Versions of the built-in model that the tenant's corrections have made. */
  models: table("models", ModelRow, ["tenant", "version"], EXPORTED),
  /** The version that predicts; none is the one that came with Imago. */
  activeModel: table("active_model", z.string(), ["tenant"], EXPORTED),

  /** Calls, tokens and millionths of a dollar, by month. */
  aiSpending: table(
    "ai_spending",
    z.instanceof(Deno.KvU64),
    ["tenant", "month", "counter"],
    EXPORTED,
  ),

  cameras: table("cameras", CameraRow, ["tenant", "camera"], {
    exported: { without: ["sealed_url"] },
  }),
  /** How each camera does: apart from its settings, for it changes on its own. */
  cameraStates: table("camera_states", CameraState, ["tenant", "camera"], EXPORTED),
  /** Which cameras are started, and who watches them. */
  cameraWatches: table("camera_watches", CameraWatch, ["tenant", "camera"], INTERNAL),

  events: table("events", EventRow, ["tenant", "event"], EXPORTED),
  /** Finds events, under `type:fall`, `camera:<id>` … */
  eventsBy: table("events_by", z.literal(true), ["tenant", "term", "event"], INTERNAL),
  /** How many there are under each of these terms. */
  eventCounts: table("event_counts", z.instanceof(Deno.KvU64), ["tenant", "term"], INTERNAL),

  feed: table("feed", FeedItem, ["tenant", "item"], { ...EXPORTED, expireIn: FEED_MS }),

  webhooks: table("webhooks", WebhookRow, ["tenant", "webhook"], {
    exported: { without: ["secret", "former"] },
  }),
  /** What webhooks are told, by the feed's items, and kept about as long as these. */
  deliveries: table("deliveries", DeliveryRow, ["tenant", "webhook", "delivery"], {
    ...EXPORTED,
    expireIn: FEED_MS,
  }),
  deliveriesWaiting: table(
    "deliveries_waiting",
    z.literal(true),
    ["tenant", "webhook", "due_ms", "delivery"],
    { ...INTERNAL, expireIn: FEED_MS },
  ),
  /** How far the feed was looked through for webhooks. */
  webhookCursors: table("webhook_cursors", FeedPlace, ["tenant"], INTERNAL),
  /** Which process does what only one may do at a time. */
  leases: table("leases", Lease.omit({ fence: true }), ["tenant", "what"], INTERNAL),

  jobs: table("jobs", Job, ["tenant", "job"], {
    exported: { without: ["fence", "fresh", "traceparent"] },
  }),
  jobsByState: table("jobs_by_state", z.literal(true), ["tenant", "state", "job"], INTERNAL),
  /** Work that waits: by plan, so that premium goes first, then by tenant, so that none is starved. */
  jobsReady: table("jobs_ready", z.literal(true), ["plan", "tenant", "run_at_ms", "job"]),
  jobsRunning: table("jobs_running", Lease, ["tenant", "job"], INTERNAL),
  deadLetters: table("dead_letters", DeadLetter, ["tenant", "dead_letter"], EXPORTED),
  deadLettersByStep: table("dead_letters_by_step", Id, ["tenant", "image", "step"], INTERNAL),
  /** Doorbells that the queue gave up on; the sweep clears them. */
  lostBells: table("lost_bells", z.unknown(), ["job"], { expireIn: DAY }),
};

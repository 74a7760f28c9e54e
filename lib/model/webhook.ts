import { z } from "@hono/zod-openapi";
import { Id, Time } from "./scalars.ts";

/** A kind of feed item: one, all of a group, or all. */
const TypePattern = z.string().max(100).regex(
  /^(\*|[a-z_]+\.(\*|[a-z_]+))$/,
  "must be a type such as image.done, a group such as image.*, or *",
).openapi({ example: "image.done" });

const url = z.string().max(2_000);
const types = z.array(TypePattern).min(1).max(50).transform((all) => [...new Set(all)]);

/** Where a tenant wants to be told what happens, as it sees it. */
export const Webhook = z.object({
  id: Id,
  url: url.openapi({ example: "https://example.com/hooks/imago" }),
  types: z.array(TypePattern),
  active: z.boolean(),
  disabled: z.enum(["gone", "failing"]).nullable().openapi({
    description:
      "Why Imago made it inactive: the receiver answered 410, or failed for days without success",
  }),
  failing_since: Time.nullable().openapi({ description: "null while deliveries succeed" }),
  created_at: Time,
}).openapi("Webhook");
export type Webhook = z.infer<typeof Webhook>;

/** A webhook as it is stored. */
export const WebhookRow = Webhook.extend({
  tenant: Id,
  /** Grows by one with each change. */
  version: z.number().int(),
  /** Encrypted. */
  secret: z.string(),
  /** The one before, encrypted, which signs beside it for a while. */
  former: z.object({ secret: z.string(), until: Time }).nullable(),
  /** What happened before is not delivered. */
  since: Time,
});
export type WebhookRow = z.infer<typeof WebhookRow>;

/** What POST /webhooks takes. */
export const NewWebhook = z.strictObject({ url, types }).openapi("NewWebhook");
export type NewWebhook = z.infer<typeof NewWebhook>;

/** What PATCH /webhooks/{id} takes. Activating again begins with what happens from then on. */
export const WebhookPatch = z.strictObject({ url, types, active: z.boolean() }).partial()
  .openapi("WebhookPatch");
export type WebhookPatch = z.infer<typeof WebhookPatch>;

const WEEK_SECONDS = 7 * 24 * 3600;

/** What POST /webhooks/{id}/rotate-secret takes. */
export const SecretRotation = z.strictObject({
  grace_seconds: z.number().int().min(0).max(WEEK_SECONDS).default(24 * 3600).openapi({
    description: "So long messages bear both signatures; 0 for a secret that has leaked",
  }),
}).openapi("SecretRotation");

export const DeliveryState = z.enum(["pending", "delivered", "failed"]).openapi("DeliveryState");
export type DeliveryState = z.infer<typeof DeliveryState>;

export const DeliveryAttempt = z.object({
  at: Time,
  status: z.number().int().nullable().openapi({ description: "null: there was no answer" }),
  duration_ms: z.number().int(),
}).openapi("DeliveryAttempt");
export type DeliveryAttempt = z.infer<typeof DeliveryAttempt>;

/** What one webhook is told of one item of the feed. */
export const Delivery = z.object({
  id: Id.openapi({ description: "That of what happened, and the header webhook-id" }),
  type: z.string(),
  state: DeliveryState,
  attempts: z.array(DeliveryAttempt).openapi({ description: "The last 20, oldest first" }),
  next_attempt_at: Time.nullable(),
  created_at: Time,
}).openapi("Delivery");
export type Delivery = z.infer<typeof Delivery>;

/** A delivery as it is stored. Its content is the feed's item, which is kept as long. */
export const DeliveryRow = Delivery.extend({
  /** Since it was made or replayed: the place in the schedule. */
  tries: z.number().int(),
  /** When it waits, and under which key it does; null when it ended. */
  due_ms: z.number().nullable(),
});
export type DeliveryRow = z.infer<typeof DeliveryRow>;

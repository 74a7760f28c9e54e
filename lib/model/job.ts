import { z } from "@hono/zod-openapi";
import { Id, Time } from "./scalars.ts";
import { Plan } from "./tenant.ts";

/** One failure in a step's history. */
export const StepError = z.object({
  at: Time,
  attempt: z.number().int(),
  code: z.string(),
  message: z.string(),
  upstream_status: z.number().int().nullable(),
}).openapi("StepError");
export type StepError = z.infer<typeof StepError>;

/** `retrying` waits for its next try; `skipped` counts as neither success nor failure. */
export const StepState = z.enum(["pending", "running", "retrying", "done", "failed", "skipped"]);
export type StepState = z.infer<typeof StepState>;

export const StepRun = z.object({
  state: StepState,
  attempts: z.number().int().openapi({ description: "Tries that ended, well or badly" }),
  errors: z.array(StepError),
  reason: z.string().nullable().openapi({ description: "Why it was skipped, or gave up" }),
  started_at: Time.nullable(),
  done_at: Time.nullable(),
  retry_at: Time.nullable().openapi({ description: "When the next try is due" }),
}).openapi("StepRun");
export type StepRun = z.infer<typeof StepRun>;

export const JobState = z.enum([
  "available",
  "scheduled",
  "running",
  "retryable",
  "completed",
  "cancelled",
  "discarded",
]);
export type JobState = z.infer<typeof JobState>;

/**
 * The truth about a piece of work; the queue's message is only a doorbell for it. `fence` grows
 * with each claim: what an earlier claim still writes is refused by it.
 */
export const Job = z.object({
  id: Id,
  tenant: Id,
  kind: z.literal("image"),
  subject: Id,
  plan: Plan,
  state: JobState,
  steps: z.record(z.string(), StepRun),
  /** Steps ask their sources anew instead of reusing what an equal picture gave. */
  fresh: z.boolean(),
  fence: z.number().int(),
  rescues: z.number().int(),
  run_at: Time,
  created_at: Time,
  finished_at: Time.nullable(),
  /** The trace of the request that asked for it (W3C Trace Context). */
  traceparent: z.string().optional(),
});
export type Job = z.infer<typeof Job>;

/** Who works a job, and until when nobody else may. */
export const Lease = z.object({
  owner: z.string(),
  fence: z.number().int(),
  expires_at: Time,
});
export type Lease = z.infer<typeof Lease>;

/** A step that used up its tries, with its whole history. */
export const DeadLetter = z.object({
  id: Id,
  tenant: Id,
  job_id: Id,
  image_id: Id,
  step: z.string(),
  errors: z.array(StepError),
  failed_at: Time,
}).openapi("DeadLetter");
export type DeadLetter = z.infer<typeof DeadLetter>;

import { z } from "@hono/zod-openapi";
import { Time } from "./scalars.ts";

/** An answer as it can be given again. */
export const StoredAnswer = z.object({
  status: z.number().int(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
});
export type StoredAnswer = z.infer<typeof StoredAnswer>;

/** What became of a request that carried an Idempotency-Key. */
export const IdempotentRequest = z.object({
  /** Method and address. */
  request: z.string(),
  /** This try of it; another one may take over when it dies. */
  attempt: z.string(),
  state: z.enum(["running", "done"]),
  /** The process that works on it, and how long it is believed to be alive. */
  owner: z.string(),
  lease_until: Time,
  /** SHA-256 of the content, once it is known. */
  fingerprint: z.string().nullable(),
  /** null while it runs, and where the answer holds a secret. */
  answer: StoredAnswer.nullable(),
  /** Where what was made stands. */
  location: z.string().nullable(),
  expires_at: Time,
});
export type IdempotentRequest = z.infer<typeof IdempotentRequest>;

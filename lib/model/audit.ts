import { z } from "@hono/zod-openapi";
import { Id, Time } from "./scalars.ts";

/** One admin operation on a tenant: who, what, when. Never holds a secret. */
export const AuditEntry = z.object({
  id: Id,
  at: Time,
  actor: z.string().openapi({
    description: "`key:<id>`, `user:<id>`, `master` (the operator) or `system`",
    example: "key:0197a3f0-5c1e-7b3a-9d51-6f0e3a1b2c4d",
  }),
  action: z.string().openapi({ example: "key.created" }),
  subject: z.string().nullable().openapi({ description: "What it was done to" }),
  details: z.record(z.string(), z.unknown()),
}).openapi("AuditEntry");
export type AuditEntry = z.infer<typeof AuditEntry>;

const Erased = z.object({
  records: z.number().int(),
  objects: z.number().int(),
  bytes: z.number().int(),
});

/** The erasure of a tenant: how far it is, and once it is done, the receipt. */
export const Erasure = z.object({
  id: Id.openapi({ description: "The client that goes, or is gone" }),
  state: z.enum(["running", "done"]),
  actor: z.string(),
  started_at: Time,
  done_at: Time.nullable(),
  erased: Erased,
}).openapi("Erasure");
export type Erasure = z.infer<typeof Erasure>;

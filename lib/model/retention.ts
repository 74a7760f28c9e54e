import { z } from "@hono/zod-openapi";

/** How long something of a tenant is kept before it is purged. */
export const RetentionTerm = z.object({
  what: z.enum([
    "events",
    "camera_frames",
    "audit_entries",
    "predictions",
    "feedback",
    "prediction_figures",
  ]),
  keep_days: z.number().openapi({ description: "Set by the operator, for all clients" }),
}).openapi("RetentionTerm");
export type RetentionTerm = z.infer<typeof RetentionTerm>;

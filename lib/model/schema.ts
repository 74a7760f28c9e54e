import { z } from "@hono/zod-openapi";

/** Which version the stored records have, and where the migration under way goes on. */
export const Schema = z.object({ version: z.number().int(), from: z.string() });
export type Schema = z.infer<typeof Schema>;

import { z } from "@hono/zod-openapi";
import { Time } from "../../lib/model/scalars.ts";

const MAX_LINK_SECONDS = 7 * 24 * 60 * 60;

/** A signed link, as a route answers with one. */
export const Link = z.object({ url: z.url(), expires_at: Time });

/** The query of every route that gives a link. */
export const LinkQuery = z.object({
  expires_in: z.coerce.number().int().min(1).max(MAX_LINK_SECONDS).default(3600).openapi({
    description: "Seconds",
  }),
});

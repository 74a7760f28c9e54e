import { z } from "@hono/zod-openapi";
import { Id, Time } from "./scalars.ts";

/** One fact of a tenant's log, written in the transaction of the fact. */
export const FeedItem = z.object({
  id: Id,
  type: z.string().openapi({ example: "image.done" }),
  at: Time,
  data: z.record(z.string(), z.unknown()),
}).openapi("FeedItem");
export type FeedItem = z.infer<typeof FeedItem>;

/** A place in the order of commits; items of one commit are ordered by their ids. */
export const FeedPlace = z.object({ version: z.string(), id: Id });
export type FeedPlace = z.infer<typeof FeedPlace>;

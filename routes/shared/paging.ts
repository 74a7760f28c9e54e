import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Cursors } from "../../lib/cursors.ts";
import type { Env } from "./app.ts";

/** The query of every list. */
export const Paging = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().optional().openapi({ description: "next_cursor of the page before" }),
});

/**
 * One page of a list that is ordered by id: reads one more than asked for, to know whether there is
 * a next page; tells it as `next_cursor` and as a `Link` header.
 */
export async function page<T extends { id: string }, P extends string>(
  c: Context<Env, P, { out: { query: z.infer<typeof Paging> } }>,
  cursors: Cursors,
  list: string,
  read: (limit: number, before?: string) => Promise<T[]>,
): Promise<{ items: T[]; next_cursor: string | null }> {
  const { limit, cursor } = c.req.valid("query");
  const owner = c.var.tenant ?? "";
  const before = cursor === undefined ? undefined : cursors.decode(owner, list, cursor);
  const found = await read(limit + 1, before);
  const items = found.slice(0, limit);
  if (found.length <= limit) return { items, next_cursor: null };
  const next = cursors.encode(owner, list, items.at(-1)!.id);
  const url = new URL(c.req.url);
  url.searchParams.set("cursor", next);
  c.header("Link", `<${url.pathname}${url.search}>; rel="next"`);
  return { items, next_cursor: next };
}

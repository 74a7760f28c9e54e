import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Cursors } from "../../lib/cursors.ts";
import type { Env } from "./app.ts";

/** The query of every list. */
export const Paging = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().optional().openapi({ description: "next_cursor of the page before" }),
});

type PagedContext<P extends string> = Context<Env, P, { out: { query: z.infer<typeof Paging> } }>;

/** One page of a list that is ordered by id: reads one more, to know whether there is a next page. */
export function page<T extends { id: string }, P extends string>(
  c: PagedContext<P>,
  cursors: Cursors,
  list: string,
  read: (limit: number, before?: string) => Promise<T[]>,
): Promise<{ items: T[]; next_cursor: string | null }> {
  return pageUntil(c, cursors, list, async (limit, before) => {
    const found = await read(limit + 1, before);
    const items = found.slice(0, limit);
    return { items, next: found.length > limit ? items.at(-1)!.id : null };
  });
}

/**
 * One page of a list that tells itself where the `next` page begins: as `next_cursor` and as a
 * `Link` header. The cursor is good for this `list` alone, so a filter belongs into its name.
 */
export async function pageUntil<T, P extends string>(
  c: PagedContext<P>,
  cursors: Cursors,
  list: string,
  read: (limit: number, before?: string) => Promise<{ items: T[]; next: string | null }>,
): Promise<{ items: T[]; next_cursor: string | null }> {
  const { limit, cursor } = c.req.valid("query");
  const owner = c.var.tenant ?? "";
  const before = cursor === undefined ? undefined : cursors.decode(owner, list, cursor);
  const { items, next } = await read(limit, before);
  if (next === null) return { items, next_cursor: null };
  const next_cursor = cursors.encode(owner, list, next);
  const url = new URL(c.req.url);
  url.searchParams.set("cursor", next_cursor);
  c.header("Link", `<${url.pathname}${url.search}>; rel="next"`);
  return { items, next_cursor };
}

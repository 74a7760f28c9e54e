import { z } from "@hono/zod-openapi";

/** A JSON body in the documentation of a route: an answer, or what a request carries. */
export const json = <S extends z.ZodType>(description: string, schema: S) => ({
  description,
  content: { "application/json": { schema } },
});

/** One page of a list. */
export const paged = <S extends z.ZodType>(item: S) =>
  z.object({ items: z.array(item), next_cursor: z.string().nullable() });

import { z } from "@hono/zod-openapi";

const DAY_MS = 24 * 60 * 60 * 1000;

/** `true` or `false` in a query. */
export const flag = z.stringbool({ truthy: ["true", "1"], falsy: ["false", "0"] }).optional()
  .openapi({ type: "boolean" });

/** The first ms (since 1970) of a period, which begins with a moment or a day in UTC. */
export const periodStart = (description: string) => time(description, 0);

/** The last ms (since 1970) of a period, which ends with a moment or a day in UTC. */
export const periodEnd = (description: string) => time(description, DAY_MS - 1);

const time = (description: string, restOfDay: number) =>
  z.union([z.iso.datetime({ offset: true }), z.iso.date()])
    .transform((given) => Date.parse(given) + (given.length === 10 ? restOfDay : 0)).optional()
    .openapi({ type: "string", description: `${description}; RFC 3339, or a day in UTC` });

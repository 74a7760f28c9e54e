import { z } from "@hono/zod-openapi";

/** A UUIDv7: its order is its time's order. */
export const Id = z.uuid().openapi({ example: "0197a3f0-5c1e-7b3a-9d51-6f0e3a1b2c4d" });
export type Id = z.infer<typeof Id>;

/** RFC 3339, UTC. */
export const Time = z.iso.datetime().openapi({ example: "2026-05-01T10:30:00.000Z" });
export type Time = z.infer<typeof Time>;

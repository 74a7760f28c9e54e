import { z } from "@hono/zod-openapi";
import { Id, Time } from "./scalars.ts";

/** What a key may do. `admin` implies the others, within its tenant. */
export const Scope = z.enum([
  "images:read",
  "images:write",
  "images:delete",
  "ai:use",
  "cameras:read",
  "cameras:write",
  "events:read",
  "events:write",
  "admin",
]).openapi("Scope");
export type Scope = z.infer<typeof Scope>;

export const Plan = z.enum(["standard", "premium"]).openapi("Plan");
export type Plan = z.infer<typeof Plan>;

/** One customer of the installation; every record and byte belongs to exactly one. */
export const Tenant = z.object({
  id: Id,
  name: z.string().min(1).max(100),
  plan: Plan,
  scopes: z.array(Scope).openapi({ description: "What its first key may do" }),
  quota_bytes: z.number().int().min(0),
  external_ai: z.boolean().openapi({ description: "false: no picture goes to an outside model" }),
  active: z.boolean(),
  created_at: Time,
}).openapi("Client");
export type Tenant = z.infer<typeof Tenant>;

/** What POST /auth/clients takes. */
export const NewTenant = z.object({
  name: z.string().trim().min(1).max(100),
  plan: Plan.default("standard"),
  scopes: z.array(Scope).min(1).default(["images:read", "images:write", "images:delete", "ai:use"]),
  quota_bytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  external_ai: z.boolean().default(true),
}).openapi("NewClient");
export type NewTenant = z.infer<typeof NewTenant>;

/** An API key at rest: its hash finds it, its hint shows it. The key itself is never kept. */
export const ApiKey = z.object({
  id: Id,
  tenant: Id,
  name: z.string(),
  hint: z.string().openapi({ description: "First and last characters", example: "imago_aB…9xYz" }),
  sha256: z.string(),
  scopes: z.array(Scope),
  created_at: Time,
});
export type ApiKey = z.infer<typeof ApiKey>;

/** Who is asking, however they proved it. The master key has no tenant and manages clients alone. */
export type Principal =
  | { kind: "tenant"; tenant: string; subject: string; scopes: readonly Scope[] }
  | { kind: "master"; subject: string };

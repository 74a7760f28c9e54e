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

/** What a tenant may spend on models in a calendar month (UTC); what is left out is not bounded. */
export const AiBudget = z.strictObject({
  tokens_per_month: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  cost_per_month: z.number().min(0).optional().openapi({ description: "USD" }),
}).openapi("AiBudget");
export type AiBudget = z.infer<typeof AiBudget>;

const Name = z.string().trim().min(1).max(100);
/** What somebody is given: at least one, each once. */
export const Scopes = z.array(Scope).min(1).transform((scopes) => [...new Set(scopes)]);
const Bytes = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const PerMinute = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

/** One customer of the installation; every record and byte belongs to exactly one. */
export const Tenant = z.object({
  id: Id,
  name: z.string().min(1).max(100),
  plan: Plan,
  scopes: z.array(Scope).openapi({ description: "What its main key may do, and no other more" }),
  quota_bytes: z.number().int().min(0),
  rate_limit: PerMinute.nullable().openapi({
    description:
      "Requests a minute of all its keys together; null: the standard limit for each key",
  }),
  ai_budget: AiBudget.nullable(),
  external_ai: z.boolean().openapi({
    description: "false: no picture and no text of its goes to an outside model",
  }),
  active: z.boolean(),
  created_at: Time,
}).openapi("Client");
export type Tenant = z.infer<typeof Tenant>;

/** What POST /auth/clients takes. */
export const NewTenant = z.strictObject({
  name: Name,
  plan: Plan.default("standard"),
  scopes: Scopes.default(["images:read", "images:write", "images:delete", "ai:use"]),
  quota_bytes: Bytes.optional(),
  rate_limit: PerMinute.nullable().optional(),
  ai_budget: AiBudget.nullable().optional(),
  external_ai: z.boolean().default(true),
}).openapi("NewClient");
export type NewTenant = z.infer<typeof NewTenant>;

/** What PATCH /auth/clients/{id} takes. A quota that is the plan's own follows the plan. */
export const TenantPatch = z.strictObject({
  name: Name,
  plan: Plan,
  scopes: Scopes,
  quota_bytes: Bytes,
  rate_limit: PerMinute.nullable(),
  ai_budget: AiBudget.nullable(),
  external_ai: z.boolean(),
  active: z.boolean(),
}).partial().openapi("ClientPatch");
export type TenantPatch = z.infer<typeof TenantPatch>;

/** An API key at rest: its hash finds it, its hint shows it. The key itself is never kept. */
export const ApiKey = z.object({
  id: Id,
  tenant: Id,
  name: z.string(),
  hint: z.string().openapi({ description: "First and last characters", example: "imago_aB…9xYz" }),
  sha256: z.string(),
  scopes: z.array(Scope),
  main: z.boolean().openapi({ description: "The client's own key, which the operator rotates" }),
  created_at: Time,
  expires_at: Time.nullable(),
  last_used_at: Time.nullable().openapi({ description: "To the minute or so" }),
});
export type ApiKey = z.infer<typeof ApiKey>;

/** A key as its tenant sees it. */
export const ApiKeyView = ApiKey.omit({ tenant: true, sha256: true }).openapi("ApiKey");
export type ApiKeyView = z.infer<typeof ApiKeyView>;

/** What POST /auth/keys takes. */
export const NewApiKey = z.strictObject({
  name: Name,
  scopes: Scopes,
  expires_at: z.iso.datetime({ offset: true }).optional(),
}).openapi("NewApiKey");
export type NewApiKey = z.infer<typeof NewApiKey>;

/** Who is asking for a tenant: one of its keys (`key:<id>`) or users (`user:<id>`). */
export type TenantPrincipal = {
  kind: "tenant";
  tenant: string;
  subject: string;
  scopes: readonly Scope[];
  /** Requests a minute of the whole tenant, where it has a limit of its own. */
  rateLimit: number | null;
  /** The session of a user who has signed in. */
  session?: string;
  /** When what proved it ends, in ms since 1970; left out where it has no end. */
  endsAt?: number;
};

/** Who is asking, however they proved it. The master key has no tenant and manages clients alone. */
export type Principal = TenantPrincipal | { kind: "master"; subject: "master" };

import { z } from "@hono/zod-openapi";
import { Id, Time } from "./scalars.ts";
import { Scope, Scopes } from "./tenant.ts";

/** Letters and digits of any script, and what stands in addresses; unique in the installation. */
export const Username = z.string().trim().min(3).max(64)
  // Not a pattern of the document: JSON Schema's validators do not agree on \p.
  .refine((name) => /^[\p{L}\p{M}\p{N}._@+-]+$/u.test(name), {
    error: "may have letters, digits and . _ @ + - only",
  })
  .openapi({ example: "marie" });

const Password = z.string().min(8).max(256).openapi({ format: "password" });
/** What is compared with a password may be anything that is not too long to be one. */
const Guess = z.string().max(1_000).openapi({ format: "password" });

/** A person who signs in for a tenant. */
export const User = z.object({
  id: Id,
  tenant: Id,
  username: Username,
  password_hash: z.string(),
  scopes: z.array(Scope),
  active: z.boolean(),
  created_at: Time,
  last_login_at: Time.nullable(),
});
export type User = z.infer<typeof User>;

/** A user as others see it: never with a hash. */
export const UserView = User.omit({ tenant: true, password_hash: true }).openapi("User");
export type UserView = z.infer<typeof UserView>;

/** What POST /api/users takes. */
export const NewUser = z.strictObject({ username: Username, password: Password, scopes: Scopes })
  .openapi("NewUser");
export type NewUser = z.infer<typeof NewUser>;

/** What PATCH /api/users/{id} takes. */
export const UserPatch = z.strictObject({
  username: Username,
  password: Password,
  scopes: Scopes,
  active: z.boolean(),
}).partial().openapi("UserPatch");
export type UserPatch = z.infer<typeof UserPatch>;

export const Login = z.strictObject({
  username: z.string().max(1_000),
  password: Guess,
  remember_me: z.boolean().default(false).openapi({
    description: "The session may rest for 30 days instead of one",
  }),
}).openapi("Login");
export type Login = z.infer<typeof Login>;

export const PasswordChange = z.strictObject({ current_password: Guess, new_password: Password })
  .openapi("PasswordChange");
export type PasswordChange = z.infer<typeof PasswordChange>;

/** A user who is signed in somewhere: the family of all refresh tokens that came of one sign-in. */
export const Session = z.object({
  id: Id,
  tenant: Id,
  user: Id,
  /** Of the one refresh token that is good now. */
  refresh_sha256: z.string(),
  remember: z.boolean(),
  created_at: Time,
  refreshed_at: Time,
  expires_at: Time,
});
export type Session = z.infer<typeof Session>;

/** What a sign-in and each refresh give. */
export const SessionTokens = z.object({
  access_token: z.string(),
  refresh_token: z.string().openapi({ description: "Good for one use" }),
  token_type: z.literal("bearer"),
  expires_in: z.number().int().openapi({
    description: "Seconds that the access token is good for",
  }),
  user: UserView,
}).openapi("SessionTokens");
export type SessionTokens = z.infer<typeof SessionTokens>;

/** Lets whoever shows it in as `subject`, once. */
export const Ticket = z.object({
  tenant: Id,
  subject: z.string(),
  session: Id.nullable(),
  /** When what it was given for ends, in ms since 1970. */
  ends_at: z.number().nullable(),
  expires_at: Time,
});
export type Ticket = z.infer<typeof Ticket>;

import { createApiKeys } from "../auth/api_keys.ts";
import { sha256Of } from "../auth/key_format.ts";
import { createPasswords } from "../auth/passwords.ts";
import { createPrincipals } from "../auth/principals.ts";
import { createSessions } from "../auth/sessions.ts";
import { createTickets } from "../auth/tickets.ts";
import { createTokens } from "../auth/tokens.ts";
import { createUsers } from "../auth/users.ts";
import { createIdempotency } from "../idempotency.ts";
import { createPseudonyms } from "../pseudonyms.ts";
import { createQuotas } from "../quotas.ts";
import { createRateLimits } from "../rate_limits.ts";
import { createTenants } from "../tenants.ts";
import type { Base } from "./base.ts";

/** Tries to sign in, by name and by address. */
const LOGINS_PER_MINUTE = 5;

/** Who may come in, and how much they may have. */
export function createAccounts(base: Base) {
  const { config, secrets, db, clock, exclusive } = base;
  const tokens = createTokens({ ...base, secrets: secrets.jwtSecrets });
  const principals = createPrincipals({
    db,
    clock,
    tokens,
    adminKeySha256: secrets.adminKeySha256,
    apiTokenSha256: config.API_TOKEN ? sha256Of(config.API_TOKEN) : null,
    trustMs: exclusive ? 60_000 : 1_000,
  });
  const keys = createApiKeys({ ...base, principals });
  const passwords = createPasswords({ cost: base.passwordCost });
  const sessions = createSessions({ ...base, tokens, passwords, principals });
  const users = createUsers({ ...base, passwords, sessions, principals });
  const tenants = createTenants({
    ...base,
    keys,
    principals,
    planQuota: { standard: config.STANDARD_QUOTA_MB, premium: config.PREMIUM_QUOTA_MB },
  });
  const limits = createRateLimits({
    ...base,
    limits: {
      default: config.RATE_LIMIT_PER_MINUTE,
      v1: config.V1_RATE_LIMIT_PER_MINUTE,
      ingest: config.INGEST_RATE_LIMIT_PER_MINUTE,
      stranger: config.RATE_LIMIT_PER_MINUTE,
      login: LOGINS_PER_MINUTE,
    },
  });
  return {
    tokens,
    principals,
    keys,
    sessions,
    users,
    tickets: createTickets({ db, clock, principals }),
    tenants,
    limits,
    quotas: createQuotas({ db }),
    idempotency: createIdempotency(base),
    pseudonym: createPseudonyms(secrets.signedUrlSecret),
  };
}

export type Accounts = ReturnType<typeof createAccounts>;

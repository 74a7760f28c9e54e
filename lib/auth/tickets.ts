import { randomBytes } from "node:crypto";
import { type Clock, timestamp } from "../clock.ts";
import type { Database } from "../kv.ts";
import type { TenantPrincipal } from "../model/tenant.ts";
import { tables } from "../tables.ts";
import { sha256Of } from "./key_format.ts";
import type { Principals } from "./principals.ts";

const LIFE_MS = 30_000;
const SHAPE = /^[\w-]{43}$/;

/** What a browser puts into an address that it cannot send headers to. */
export type IssuedTicket = { ticket: string; expires_at: string };

type Deps = { db: Database; clock: Clock; principals: Principals };

/** Lets somebody known in where no header can be sent: each once, within 30 s. */
export function createTickets({ db, clock, principals }: Deps) {
  return {
    async issue({ tenant, subject, session, endsAt }: TenantPrincipal): Promise<IssuedTicket> {
      const ticket = randomBytes(32).toString("base64url");
      const expires_at = timestamp(clock.now() + LIFE_MS);
      await db.transact((tx) =>
        tx.set(tables.tickets.key(sha256Of(ticket)), {
          tenant,
          subject,
          session: session ?? null,
          ends_at: endsAt ?? null,
          expires_at,
        })
      );
      return { ticket, expires_at };
    },

    /** Who the ticket was given to, with today's rights; null for one that is unknown, used or late. */
    async redeem(ticket: string): Promise<TenantPrincipal | null> {
      if (!SHAPE.test(ticket)) return null;
      const place = tables.tickets.key(sha256Of(ticket));
      const known = await db.transact(async (tx) => {
        const found = await tx.get(place);
        if (found) tx.delete(place);
        return found;
      });
      if (!known || Date.parse(known.expires_at) <= clock.now()) return null;
      const { tenant, subject, session, ends_at } = known;
      return await principals.renew({
        tenant,
        subject,
        session: session ?? undefined,
        endsAt: ends_at ?? undefined,
      });
    },
  };
}

export type Tickets = ReturnType<typeof createTickets>;

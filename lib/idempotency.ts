import { getLogger } from "@logtape/logtape";
import { type Clock, timestamp } from "./clock.ts";
import { Problem } from "./errors.ts";
import type { Database, Transaction } from "./kv.ts";
import type { IdempotentRequest, StoredAnswer } from "./model/idempotency.ts";
import { sha256Of } from "./auth/key_format.ts";
import { tables } from "./tables.ts";

const log = getLogger(["imago", "idempotency"]);

const KEEP_MS = 24 * 60 * 60 * 1000;
const LEASE_MS = 60_000;
/** Printable ASCII, as a header can carry it. */
const SHAPE = /^[\x20-\x7e]{1,255}$/;

type Deps = {
  db: Database;
  clock: Clock;
  newId: () => string;
  /** Nobody else serves from this KV: whatever an earlier process had begun is dead. */
  exclusive: boolean;
};

/** A request that was let through under its key. */
export type Reservation = {
  owner: string;
  key: string;
  attempt: string;
  cancelRenewal: () => void;
};

/** What came of a request, to be told again to whoever repeats it. */
export type Outcome = {
  fingerprint: string;
  /** null for an answer that must not be kept. */
  answer: StoredAnswer | null;
  location: string | null;
};

export type Beginning =
  | { kind: "new"; reservation: Reservation }
  | { kind: "done"; before: IdempotentRequest };

/** Remembers for 24 hours what came of requests that carried an Idempotency-Key, per tenant. */
export function createIdempotency({ db, clock, newId, exclusive }: Deps) {
  const process = newId();
  const place = (owner: string, key: string) => tables.idempotency.key(owner, sha256Of(key));

  const isAlive = (before: IdempotentRequest) => {
    if (before.owner === process) return true;
    return !exclusive && Date.parse(before.lease_until) > clock.now();
  };

  /** The record within `tx`, while this attempt holds it. */
  const held = async (tx: Transaction, { owner, key, attempt }: Reservation) => {
    const current = await tx.get(place(owner, key));
    return current?.attempt === attempt && current.state === "running" ? current : null;
  };

  const renewLater = (reservation: Reservation) => {
    reservation.cancelRenewal = clock.after(LEASE_MS / 3, () => {
      renew(reservation).then(
        () => renewLater(reservation),
        (error) => log.warn("Cannot renew an Idempotency-Key: {error}", { error }),
      );
    });
  };

  const renew = (reservation: Reservation) =>
    db.transact(async (tx) => {
      const current = await held(tx, reservation);
      if (!current) return;
      const lease_until = timestamp(clock.now() + LEASE_MS);
      tx.set(place(reservation.owner, reservation.key), { ...current, lease_until });
    });

  return {
    /**
     * Reserves `key` of `owner` (a tenant, or the master) for a request, or tells what came of it
     * before. `fingerprint` is null where the content is not known yet. `invalid_content` for a
     * malformed key and for one that was used for something else, `conflict` while it still runs.
     */
    begin(
      owner: string,
      key: string,
      request: string,
      fingerprint: string | null,
    ): Promise<Beginning> {
      if (!SHAPE.test(key)) {
        const detail = "Cannot use the Idempotency-Key: send 1 to 255 printable characters";
        throw new Problem("invalid_content", detail);
      }
      return db.transact(async (tx): Promise<Beginning> => {
        const before = await tx.get(place(owner, key));
        if (before && Date.parse(before.expires_at) > clock.now()) {
          if (before.request !== request) throw otherContent();
          if (before.state === "done") return { kind: "done", before };
          if (isAlive(before)) throw stillRunning();
        }
        const now = clock.now();
        const reservation = { owner, key, attempt: newId(), cancelRenewal: () => {} };
        tx.set(place(owner, key), {
          request,
          attempt: reservation.attempt,
          state: "running",
          owner: process,
          lease_until: timestamp(now + LEASE_MS),
          fingerprint,
          answer: null,
          location: null,
          expires_at: timestamp(now + KEEP_MS),
        }, { expireIn: KEEP_MS });
        if (!exclusive) tx.afterCommit(() => renewLater(reservation));
        return { kind: "new", reservation };
      });
    },

    /** Keeps what came of a request that succeeded. */
    async finish(reservation: Reservation, outcome: Outcome): Promise<void> {
      reservation.cancelRenewal();
      await db.transact(async (tx) => {
        const current = await held(tx, reservation);
        if (!current) return;
        const expires_at = timestamp(clock.now() + KEEP_MS);
        const done: IdempotentRequest = { ...current, ...outcome, state: "done", expires_at };
        tx.set(place(reservation.owner, reservation.key), done, { expireIn: KEEP_MS });
      });
    },

    /** Frees the key of a request that was refused or failed: it may be sent again. */
    async release(reservation: Reservation): Promise<void> {
      reservation.cancelRenewal();
      await db.transact(async (tx) => {
        if (await held(tx, reservation)) tx.delete(place(reservation.owner, reservation.key));
      });
    },
  };
}

export type Idempotency = ReturnType<typeof createIdempotency>;

/** The key was used for another request. */
export function otherContent(): Problem {
  const detail = "Cannot use this Idempotency-Key again: it was sent with another content";
  return new Problem("invalid_content", detail);
}

function stillRunning(): Problem {
  const detail =
    "Cannot repeat this request yet: the first one with its Idempotency-Key still runs";
  return new Problem("conflict", detail, { retryAfter: 1 });
}

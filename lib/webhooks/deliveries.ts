import type { Audit } from "../audit.ts";
import { type Clock, timestamp } from "../clock.ts";
import { Problem } from "../errors.ts";
import type { Feed } from "../feed.ts";
import { type Database, newestFirst, type Transaction } from "../kv.ts";
import type { FeedItem } from "../model/feed.ts";
import type { Delivery, DeliveryRow, WebhookRow } from "../model/webhook.ts";
import { tables } from "../tables.ts";
import type { Webhooks } from "../webhooks.ts";
import { GIVE_UP_MS, pauseAfter } from "./schedule.ts";

const MAX_ATTEMPTS_KEPT = 20;
const GONE = 410;

type Deps = { db: Database; clock: Clock; feed: Feed; audit: Audit; webhooks: Webhooks };

/** A delivery that waits, and from when on (ms since 1970). */
export type Waiting = { id: string; dueMs: number };

/** What a receiver answered: a status, or null for none; and when it wishes to be asked again (ms). */
export type Reply = { status: number | null; durationMs: number; retryAfterMs?: number };

/** What came of an attempt. */
export type Outcome = "delivered" | "retried" | "failed" | "gone";

/** What each webhook is told of each item of the feed that it wants. */
export function createDeliveries({ db, clock, feed, audit, webhooks }: Deps) {
  const write = (tx: Transaction, { tenant, id }: WebhookRow, row: DeliveryRow) => {
    tx.set(tables.deliveries.key(tenant, id, row.id), row);
    if (row.due_ms !== null) {
      tx.set(tables.deliveriesWaiting.key(tenant, id, row.due_ms, row.id), true);
    }
  };

  const unwait = (tx: Transaction, webhook: WebhookRow, { id, dueMs }: Waiting) =>
    tx.delete(tables.deliveriesWaiting.key(webhook.tenant, webhook.id, dueMs, id));

  /** What the failure of a receiver means for its webhook. */
  const blame = (tx: Transaction, webhook: WebhookRow, { status }: Reply) => {
    const { failing_since } = webhook;
    if (status === GONE) return webhooks.disable(tx, webhook, "gone");
    if (!failing_since) return webhooks.fails(tx, webhook, timestamp(clock.now()));
    const since = Date.parse(failing_since);
    if (clock.now() - since >= GIVE_UP_MS) webhooks.disable(tx, webhook, "failing");
  };

  const refuseUnlessFound = (row: DeliveryRow | null, id: string): DeliveryRow => {
    if (!row) throw new Problem("not_found", `Cannot find delivery "${id}"`);
    return row;
  };

  return {
    /** Writes within `tx` that a webhook is to be told of an item, from now on. */
    add(tx: Transaction, webhook: WebhookRow, { id, type }: FeedItem) {
      const due_ms = clock.now();
      const at = timestamp(due_ms);
      write(tx, webhook, {
        ...{ id, type, state: "pending", attempts: [], tries: 0, due_ms },
        ...{ next_attempt_at: at, created_at: at },
      });
    },

    /** The webhook's deliveries that wait, in the order in which they are due. */
    async waiting({ tenant, id }: WebhookRow, limit: number): Promise<Waiting[]> {
      const prefix = tables.deliveriesWaiting.prefix(tenant, id);
      const entries = await Array.fromAsync(db.list({ prefix }, { limit }));
      return entries.map(({ key }) => ({ id: String(key[4]), dueMs: Number(key[3]) }));
    },

    /**
     * Writes what a receiver answered, and what follows. `reply` is null when there is nothing left
     * to send. An attempt that was overtaken (by a replay, or a deletion) changes nothing but its
     * history.
     */
    settle(
      { tenant, id: webhookId }: WebhookRow,
      waiting: Waiting,
      reply: Reply | null,
    ): Promise<Outcome> {
      return db.transact(async (tx) => {
        const webhook = await tx.get(tables.webhooks.key(tenant, webhookId));
        const before = await tx.get(tables.deliveries.key(tenant, webhookId, waiting.id));
        tx.delete(tables.deliveriesWaiting.key(tenant, webhookId, waiting.dueMs, waiting.id));
        if (!webhook || !before) return "failed";
        const { row, outcome } = after(before, reply, clock.now());
        if (before.due_ms !== waiting.dueMs) {
          write(tx, webhook, { ...before, attempts: row.attempts });
          return outcome;
        }
        write(tx, webhook, row);
        if (outcome === "delivered") {
          if (webhook.failing_since) webhooks.fails(tx, webhook, null);
        } else if (reply) blame(tx, webhook, reply);
        return outcome;
      });
    },

    /** Some deliveries of a webhook, newest first; `before` is where the page before ended. */
    list(tenant: string, webhook: string, limit: number, before?: string): Promise<DeliveryRow[]> {
      return newestFirst(db, tables.deliveries.prefix(tenant, webhook), limit, before);
    },

    /**
     * Sends a delivery again, under the same id, as if it were new. `conflict` while its webhook is
     * inactive, `gone` once its content is no longer kept.
     */
    replay(
      by: { tenant: string; subject: string },
      webhookId: string,
      id: string,
    ): Promise<DeliveryRow> {
      return db.transact(async (tx) => {
        const webhook = await webhooks.get(by.tenant, webhookId);
        const key = tables.deliveries.key(by.tenant, webhookId, id);
        const before = refuseUnlessFound(await tx.get(key), id);
        if (!webhook.active) {
          throw new Problem("conflict", "Cannot replay: activate the webhook first");
        }
        if (!await db.get(tables.feed.key(by.tenant, id))) {
          throw new Problem("gone", "Cannot replay: what it told is no longer kept");
        }
        if (before.due_ms !== null) unwait(tx, webhook, { id, dueMs: before.due_ms });
        const now = clock.now();
        const row: DeliveryRow = {
          ...before,
          ...{ state: "pending", tries: 0, due_ms: now, next_attempt_at: timestamp(now) },
        };
        write(tx, webhook, row);
        const details = { delivery_id: id };
        audit.note(tx, by.tenant, by.subject, "webhook.replayed", { subject: webhookId, details });
        feed.emit(tx, by.tenant, "webhook.replayed", { webhook_id: webhookId, ...details });
        return row;
      });
    },
  };
}

export type Deliveries = ReturnType<typeof createDeliveries>;

/** A delivery as its tenant sees it. */
export function viewOf({ tries: _, due_ms: __, ...delivery }: DeliveryRow): Delivery {
  return delivery;
}

/** A delivery after an attempt that ended at `now`. */
function after(before: DeliveryRow, reply: Reply | null, now: number) {
  const tries = before.tries + 1;
  const outcome = outcomeOf(reply, tries);
  const due_ms = outcome.pause === null ? null : now + outcome.pause;
  const row: DeliveryRow = {
    ...before,
    tries,
    due_ms,
    state: outcome.state,
    attempts: reply ? withAttempt(before, reply, now) : before.attempts,
    next_attempt_at: due_ms === null ? null : timestamp(due_ms),
  };
  return { row, outcome: outcome.name };
}

type Judged = { name: Outcome; state: DeliveryRow["state"]; pause: number | null };

function outcomeOf(reply: Reply | null, tries: number): Judged {
  const status = reply?.status ?? 0;
  if (status >= 200 && status < 300) return { name: "delivered", state: "delivered", pause: null };
  if (status === GONE) return { name: "gone", state: "failed", pause: null };
  const pause = reply && pauseAfter(tries, reply.retryAfterMs);
  if (pause === null) return { name: "failed", state: "failed", pause };
  return { name: "retried", state: "pending", pause };
}

function withAttempt({ attempts }: DeliveryRow, { status, durationMs }: Reply, now: number) {
  const at = timestamp(now - durationMs);
  return [...attempts, { at, status, duration_ms: durationMs }].slice(-MAX_ATTEMPTS_KEPT);
}

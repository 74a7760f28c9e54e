import type { Audit } from "./audit.ts";
import { type Clock, timestamp } from "./clock.ts";
import type { Encryption } from "./encryption.ts";
import { Problem } from "./errors.ts";
import type { Feed } from "./feed.ts";
import { type Database, newestFirst, type Transaction } from "./kv.ts";
import type { Locks } from "./locks.ts";
import type { NewWebhook, Webhook, WebhookPatch, WebhookRow } from "./model/webhook.ts";
import type { SafeFetch } from "./net/safe_fetch.ts";
import { tables } from "./tables.ts";
import { makeSecret } from "./webhooks/message.ts";

/** What happens is written for each of them: a transaction takes 1,000 mutations. */
export const MAX_WEBHOOKS = 20;
const BATCH = 400;

type Deps = {
  db: Database;
  clock: Clock;
  newId: () => string;
  locks: Locks;
  feed: Feed;
  audit: Audit;
  encryption: Encryption;
  receivers: Pick<SafeFetch, "check">;
};

/** Looks at the record that is about to change; what it throws refuses the change. */
type Check = (row: WebhookRow) => void;

/** Who asks. */
type By = { tenant: string; subject: string };

/** Where tenants want to be told what happens. The only code that writes webhooks. */
export function createWebhooks(deps: Deps) {
  const { db, clock, newId, locks, feed, audit, encryption, receivers } = deps;

  const contextOf = (tenant: string, id: string) => `${tenant}/webhook/${id}`;

  const all = (tenant: string, before?: string, limit = MAX_WEBHOOKS) =>
    newestFirst<WebhookRow>(db, tables.webhooks.prefix(tenant), limit, before);

  /** Notes a change within `tx`, for the audit log and for whoever follows the feed. */
  const tell = (tx: Transaction, row: WebhookRow, what: string, subject: string, details = {}) => {
    audit.note(tx, row.tenant, subject, `webhook.${what}`, { subject: row.id, details });
    feed.emit(tx, row.tenant, `webhook.${what}`, { webhook_id: row.id, ...details });
  };

  const write = (tx: Transaction, row: WebhookRow) =>
    tx.set(tables.webhooks.key(row.tenant, row.id), row);

  /** What happened so far is not delivered; `tx` may find that others already look through it. */
  const beginAtEnd = async (tx: Transaction, tenant: string) => {
    const cursor = tables.webhookCursors.key(tenant);
    if (await tx.get(cursor) === null) tx.set(cursor, await feed.end(tenant));
  };

  const removeDeliveries = async (tenant: string, webhook: string) => {
    for (const table of [tables.deliveriesWaiting, tables.deliveries]) {
      for (;;) {
        const entries = db.list({ prefix: table.prefix(tenant, webhook) }, { limit: BATCH });
        const keys = (await Array.fromAsync(entries)).map(({ key }) => key);
        if (keys.length === 0) break;
        await db.transact((tx) => keys.forEach((key) => tx.delete(key)));
      }
    }
  };

  return {
    /**
     * Makes a webhook; its secret is in the answer this once. `invalid_content` for an address that
     * may not be called, `conflict` beyond 20 webhooks.
     */
    async create(by: By, given: NewWebhook): Promise<{ row: WebhookRow; secret: string }> {
      await receivers.check(given.url);
      const id = newId();
      const secret = makeSecret();
      const sealed = await encryption.seal(secret, contextOf(by.tenant, id));
      const now = timestamp(clock.now());
      const row: WebhookRow = {
        ...given,
        ...{ id, tenant: by.tenant, version: 1, secret: sealed, former: null },
        ...{ active: true, disabled: null, failing_since: null, since: now, created_at: now },
      };
      await locks.run(`webhooks:${by.tenant}`, async () => {
        if ((await all(by.tenant)).length >= MAX_WEBHOOKS) {
          throw new Problem("conflict", `Cannot make more than ${MAX_WEBHOOKS} webhooks`);
        }
        await db.transact(async (tx) => {
          const owner = await tx.get(tables.tenants.key(by.tenant));
          if (!owner?.active) throw new Problem("unauthorized", "The client is deactivated");
          await beginAtEnd(tx, by.tenant);
          write(tx, row);
          tell(tx, row, "created", by.subject, { types: row.types });
        });
      });
      return { row, secret };
    },

    /** One webhook, or a `not_found` problem. */
    async get(tenant: string, id: string): Promise<WebhookRow> {
      return refuseUnlessFound(await db.get(tables.webhooks.key(tenant, id)), id);
    },

    /** Some webhooks, newest first; `before` is where the page before ended. */
    list(tenant: string, limit: number, before?: string): Promise<WebhookRow[]> {
      return all(tenant, before, limit);
    },

    /** The webhook as it is now; null where there is none. */
    find(tenant: string, id: string): Promise<WebhookRow | null> {
      return db.get(tables.webhooks.key(tenant, id));
    },

    /** Those that are to be told what happens. */
    async active(tenant: string): Promise<WebhookRow[]> {
      return (await all(tenant)).filter(({ active }) => active);
    },

    /** The tenants that have webhooks, each once. */
    async *tenants(): AsyncGenerator<string> {
      let last = "";
      for await (const { value } of db.list<WebhookRow>({ prefix: tables.webhooks.prefix() })) {
        if (value.tenant !== last) yield value.tenant;
        last = value.tenant;
      }
    },

    /** The secrets that sign what a webhook is told: its own, and for a while the one before. */
    secretsOf({ tenant, id, secret, former }: WebhookRow): Promise<string[]> {
      const isValid = former && Date.parse(former.until) > clock.now();
      const sealed = isValid ? [secret, former.secret] : [secret];
      return Promise.all(sealed.map((each) => encryption.open(each, contextOf(tenant, id))));
    },

    /** Gives a webhook another secret; for `graceMs` the one before signs as well. */
    async rotate(
      by: By,
      id: string,
      graceMs: number,
      check: Check = () => {},
    ): Promise<{ row: WebhookRow; secret: string }> {
      const secret = makeSecret();
      const sealed = await encryption.seal(secret, contextOf(by.tenant, id));
      return await db.transact(async (tx) => {
        const before = refuseUnlessFound(await tx.get(tables.webhooks.key(by.tenant, id)), id);
        check(before);
        const until = timestamp(clock.now() + graceMs);
        const row: WebhookRow = {
          ...before,
          version: before.version + 1,
          secret: sealed,
          former: graceMs ? { secret: before.secret, until } : null,
        };
        write(tx, row);
        tell(tx, row, "secret_rotated", by.subject, { grace_seconds: graceMs / 1000 });
        return { row, secret };
      });
    },

    /**
     * Changes a webhook. Activating it again forgives its failures, and begins with what happens
     * from then on. `invalid_content` for an address that may not be called.
     */
    async patch(
      by: By,
      id: string,
      patch: WebhookPatch,
      check: Check = () => {},
    ): Promise<WebhookRow> {
      if (patch.url !== undefined) await receivers.check(patch.url);
      return await db.transact(async (tx) => {
        const before = refuseUnlessFound(await tx.get(tables.webhooks.key(by.tenant, id)), id);
        check(before);
        const again = patch.active && !before.active;
        const row: WebhookRow = {
          ...before,
          ...patch,
          version: before.version + 1,
          ...(again && { disabled: null, failing_since: null, since: timestamp(clock.now()) }),
        };
        write(tx, row);
        tell(tx, row, "changed", by.subject, { changed: Object.keys(patch) });
        return row;
      });
    },

    /** Deletes a webhook, and what was to be delivered to it. */
    async remove(by: By, id: string, check: Check = () => {}): Promise<void> {
      await db.transact(async (tx) => {
        const row = refuseUnlessFound(await tx.get(tables.webhooks.key(by.tenant, id)), id);
        check(row);
        tx.delete(tables.webhooks.key(by.tenant, id));
        tell(tx, row, "deleted", by.subject);
      });
      await removeDeliveries(by.tenant, id);
    },

    /** Writes within `tx` since when a webhook's receiver fails; null when it does no more. */
    fails(tx: Transaction, before: WebhookRow, failing_since: string | null) {
      write(tx, { ...before, version: before.version + 1, failing_since });
    },

    /** Makes a webhook inactive within `tx`, until its tenant activates it again. */
    disable(tx: Transaction, before: WebhookRow, reason: NonNullable<Webhook["disabled"]>) {
      const row = { ...before, version: before.version + 1, active: false, disabled: reason };
      write(tx, row);
      tell(tx, row, "disabled", "system", { reason });
    },
  };
}

export type Webhooks = ReturnType<typeof createWebhooks>;

/** A webhook as its tenant sees it. */
export function viewOf(
  { id, url, types, active, disabled, failing_since, created_at }: WebhookRow,
): Webhook {
  return { id, url, types, active, disabled, failing_since, created_at };
}

function refuseUnlessFound(row: WebhookRow | null, id: string): WebhookRow {
  if (!row) throw new Problem("not_found", `Cannot find webhook "${id}"`);
  return row;
}

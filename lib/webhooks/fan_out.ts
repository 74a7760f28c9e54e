import type { Database } from "../kv.ts";
import type { Feed } from "../feed.ts";
import type { FeedItem, FeedPlace } from "../model/feed.ts";
import type { WebhookRow } from "../model/webhook.ts";
import { tables } from "../tables.ts";
import type { Deliveries } from "./deliveries.ts";
import { wants } from "./message.ts";

/** Deliveries of one transaction, which writes two records for each; Deno KV takes 1,000. */
const BATCH = 300;
/** So many items that nobody wants are passed over before the place behind them is kept. */
const UNKEPT = 1_000;

type Deps = { db: Database; feed: Feed; deliveries: Deliveries };
type Wanted = { item: FeedItem; webhook: WebhookRow };

/** How far a feed was looked through here: `kept` in the database, `at` in memory, behind it. */
type Progress = { kept: FeedPlace; at: FeedPlace; passed: number };

/** Makes deliveries of what the feed tells, each once, also over crashes. */
export function createFanOut({ db, feed, deliveries }: Deps) {
  const progress = new Map<string, Progress>();

  const progressOf = async (tenant: string): Promise<Progress | null> => {
    const kept = await db.get(tables.webhookCursors.key(tenant));
    if (!kept) return null;
    const known = progress.get(tenant);
    return known && isSame(known.kept, kept) ? known : { kept, at: kept, passed: 0 };
  };

  /** Writes the deliveries and the place behind them; false for a tenant that is told nothing. */
  const commit = (tenant: string, before: FeedPlace, after: FeedPlace, wanted: Wanted[]) =>
    db.transact(async (tx) => {
      const cursor = tables.webhookCursors.key(tenant);
      const owner = await tx.get(tables.tenants.key(tenant));
      const now = await tx.get(cursor);
      // Where the place has moved, somebody else wrote them.
      if (!owner?.active || !now || !isSame(now, before)) return false;
      for (const { item, webhook } of wanted) {
        const row = await tx.get(tables.webhooks.key(tenant, webhook.id));
        if (row?.active) deliveries.add(tx, row, item);
      }
      tx.set(cursor, after);
      return true;
    });

  return {
    /** Looks through the next part of a tenant's feed; false when there was nothing more. */
    async look(tenant: string, webhooks: readonly WebhookRow[]): Promise<boolean> {
      const known = await progressOf(tenant);
      if (!known) return false;
      const found = await feed.after(tenant, known.at);
      if (found.length === 0) return false;
      const { wanted, count } = choose(found.map(({ item }) => item), webhooks);
      const at = found[count - 1]!.place;
      const passed = known.passed + count;
      if (wanted.length || passed >= UNKEPT) return await commit(tenant, known.kept, at, wanted);
      progress.set(tenant, { kept: known.kept, at, passed });
      return true;
    },
  };
}

export type FanOut = ReturnType<typeof createFanOut>;

/** What is wanted of the first `count` items: all of them, or as many as make a batch. */
function choose(items: FeedItem[], webhooks: readonly WebhookRow[]) {
  const wanted: Wanted[] = [];
  for (const [at, item] of items.entries()) {
    for (const webhook of webhooks) {
      if (item.at >= webhook.since && wants(webhook.types, item.type)) {
        wanted.push({ item, webhook });
      }
    }
    if (wanted.length >= BATCH) return { wanted, count: at + 1 };
  }
  return { wanted, count: items.length };
}

function isSame(a: FeedPlace, b: FeedPlace): boolean {
  return a.version === b.version && a.id === b.id;
}

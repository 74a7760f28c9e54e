import type { Clock } from "../clock.ts";
import { Problem } from "../errors.ts";
import type { Database } from "../kv.ts";
import type { WebhookRow } from "../model/webhook.ts";
import type { SafeFetch } from "../net/safe_fetch.ts";
import { tables } from "../tables.ts";
import type { Webhooks } from "../webhooks.ts";
import type { Reply } from "./deliveries.ts";
import { messageOf } from "./message.ts";

/** A receiver has so long to answer. */
const TIMEOUT_MS = 15_000;

type Deps = {
  db: Database;
  clock: Clock;
  webhooks: Webhooks;
  receivers: Pick<SafeFetch, "ask">;
};

export type Send = ReturnType<typeof createSend>;

/**
 * Tells a receiver of one item of the feed; null when that is no longer kept. The address is checked
 * anew each time, redirects are not followed, and nothing but the answer's head is read. Throws only
 * when `signal` aborts.
 */
export function createSend({ db, clock, webhooks, receivers }: Deps) {
  return async (webhook: WebhookRow, id: string, signal: AbortSignal): Promise<Reply | null> => {
    const item = await db.get(tables.feed.key(webhook.tenant, id));
    if (!item) return null;
    const began = clock.now();
    const message = messageOf(item, await webhooks.secretsOf(webhook), began);
    const options = { method: "POST", ...message, timeoutMs: TIMEOUT_MS, maxRedirects: 0, signal };
    const head = await receivers.ask(webhook.url, options).catch((error) => {
      if (error instanceof Problem) return null;
      throw error;
    });
    const retryAfterMs = waitOf(head?.headers.get("retry-after") ?? "", clock.now());
    return { status: head?.status ?? null, durationMs: clock.now() - began, retryAfterMs };
  };
}

/** `Retry-After` in ms: it gives seconds or a date (RFC 9110, 10.2.3). */
function waitOf(retryAfter: string, now: number): number | undefined {
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter) * 1000;
  const date = Date.parse(retryAfter);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

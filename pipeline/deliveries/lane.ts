import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import type { Tenants } from "../../lib/tenants.ts";
import type { WebhookRow } from "../../lib/model/webhook.ts";
import type { Deliveries, Outcome, Waiting } from "../../lib/webhooks/deliveries.ts";
import type { Send } from "../../lib/webhooks/send.ts";
import { coalesce } from "./coalesce.ts";
import type { Slots } from "./slots.ts";

const log = getLogger(["imago", "webhooks"]);

/** Sent to one receiver at once, begun in the order of what happened; to one that fails, one. */
const SIDE_BY_SIDE = 4;

export type LaneDeps = {
  clock: Clock;
  tenants: Pick<Tenants, "isActive">;
  deliveries: Pick<Deliveries, "waiting" | "settle">;
  send: Send;
  slots: Slots;
  /** The webhook as it is now, or null. */
  find: (tenant: string, id: string) => Promise<WebhookRow | null>;
  observe: (outcome: Outcome, seconds: number) => void;
};

export type Lane = ReturnType<typeof createLane>;

/** Sends what waits for one webhook, so that a slow receiver keeps nobody else waiting. */
export function createLane(deps: LaneDeps, tenant: string, id: string) {
  const { clock, tenants, deliveries, send, slots, observe } = deps;
  const flying = new Map<string, Promise<void>>();
  const stop = new AbortController();
  let cancelAlarm = () => {};

  const current = async (): Promise<WebhookRow | null> => {
    if (stop.signal.aborted || !await tenants.isActive(tenant)) return null;
    const webhook = await deps.find(tenant, id);
    return webhook?.active ? webhook : null;
  };

  const look = async () => {
    cancelAlarm();
    const webhook = await current();
    if (!webhook) return;
    const most = webhook.failing_since ? 1 : SIDE_BY_SIDE;
    // What lands while the list is being read still stands in it.
    const underWay = new Set(flying.keys());
    for (const next of await deliveries.waiting(webhook, most + underWay.size + 1)) {
      if (underWay.has(next.id)) continue;
      const early = next.dueMs - clock.now();
      if (early > 0) return void (cancelAlarm = clock.after(early, poke));
      if (flying.size >= most) return;
      launch(next);
    }
  };

  const launch = (next: Waiting) => {
    const flight = slots.run(() => attempt(next))
      .then((sent) => {
        flying.delete(next.id);
        if (sent) poke();
      })
      .catch((error) => {
        flying.delete(next.id);
        // The next sweep tries again.
        if (!stop.signal.aborted) log.error("Cannot deliver {id}: {error}", { id, error });
      });
    flying.set(next.id, flight);
  };

  /** Sends it, unless it may not be sent any more. Looks again: it may have waited for a slot. */
  const attempt = async (next: Waiting): Promise<boolean> => {
    const webhook = await current();
    if (!webhook) return false;
    const reply = await send(webhook, next.id, stop.signal);
    const outcome = await deliveries.settle(webhook, next, reply);
    if (reply) observe(outcome, reply.durationMs / 1000);
    return true;
  };

  const { poke, idle } = coalesce(
    look,
    (error) => log.error("Cannot see what waits for {id}: {error}", { id, error }),
  );

  return {
    /** Something may be due. */
    poke,
    /** Breaks off what is being sent: it is sent again by whoever goes on. */
    async stop() {
      stop.abort();
      await idle();
      cancelAlarm();
      await Promise.all(flying.values());
    },
  };
}

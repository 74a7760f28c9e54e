import { createSafeFetch } from "../net/safe_fetch.ts";
import { createDeliveries } from "../webhooks/deliveries.ts";
import { createFanOut } from "../webhooks/fan_out.ts";
import { createSend } from "../webhooks/send.ts";
import { createWebhooks } from "../webhooks.ts";
import type { Base } from "./base.ts";

/** What tells tenants' own programs of what happens. */
export function createTelling(base: Base) {
  const { config, db, clock } = base;
  const receivers = createSafeFetch({ kind: "web", allowedNets: config.FETCH_ALLOWED_NETS, clock });
  const webhooks = createWebhooks({ ...base, receivers });
  const deliveries = createDeliveries({ ...base, webhooks });
  return {
    webhooks,
    deliveries,
    fanOut: createFanOut({ ...base, deliveries }),
    send: createSend({ db, clock, webhooks, receivers }),
  };
}

import assert from "node:assert/strict";
import type { WebhookRow } from "../../lib/model/webhook.ts";
import type { Reply, Waiting } from "../../lib/webhooks/deliveries.ts";
import { createLane } from "../../pipeline/deliveries/lane.ts";
import { createSlots } from "../../pipeline/deliveries/slots.ts";
import { createManualClock, until } from "../helpers/clock.ts";

const NOW = "2026-05-01T10:00:00.000Z";

function aWebhook(): WebhookRow {
  const [id, tenant] = [crypto.randomUUID(), crypto.randomUUID()];
  return {
    ...{
      id,
      tenant,
      version: 1,
      url: "https://hooks.example.com/",
      types: ["*"],
      secret: "",
      former: null,
    },
    ...{ active: true, disabled: null, failing_since: null, since: NOW, created_at: NOW },
  };
}

Deno.test("a lane sends once what lands while it reads the list of what waits", async () => {
  const webhook = aWebhook();
  const clock = createManualClock();
  const next: Waiting = { id: crypto.randomUUID(), dueMs: clock.now() };
  const late = Promise.withResolvers<Waiting[]>();
  const reply = Promise.withResolvers<Reply>();
  let reads = 0;
  let sent = 0;
  let settled = 0;
  const lane = createLane(
    {
      clock,
      tenants: { isActive: () => Promise.resolve(true) },
      find: () => Promise.resolve(webhook),
      slots: createSlots(4),
      observe: () => {},
      send: () => {
        sent++;
        return reply.promise;
      },
      deliveries: {
        waiting: () => [Promise.resolve([next]), late.promise][reads++] ?? Promise.resolve([]),
        settle: () => {
          settled++;
          return Promise.resolve("delivered" as const);
        },
      },
    },
    webhook.tenant,
    webhook.id,
  );
  lane.poke();
  await until(() => sent === 1);
  lane.poke();
  await until(() => reads === 2);
  reply.resolve({ status: 200, durationMs: 1 });
  await until(() => settled === 1);
  late.resolve([next]);
  await until(() => reads === 3);
  await lane.stop();
  assert.equal(sent, 1);
});

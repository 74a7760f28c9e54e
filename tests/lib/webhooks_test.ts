import assert from "node:assert/strict";
import { tables } from "../../lib/tables.ts";
import { wants } from "../../lib/webhooks/message.ts";
import { pauseAfter } from "../../lib/webhooks/schedule.ts";
import { startApp } from "../helpers/app.ts";

Deno.test("wants() knows a type, its group and all, and nothing that only begins alike", () => {
  assert.ok(wants(["image.done"], "image.done"));
  assert.ok(wants(["event.*", "image.*"], "image.done"));
  assert.ok(wants(["*"], "webhook.disabled"));
  assert.ok(!wants(["image.done"], "image.done_again"));
  assert.ok(!wants(["image.*"], "images.done"));
  assert.ok(!wants(["event.*"], "image.done"));
});

Deno.test("pauseAfter() gives ten tries over three days, and ends", () => {
  const pauses = Array.from({ length: 9 }, (_, n) => pauseAfter(n + 1)!);
  const hours = pauses.reduce((sum, pause) => sum + pause, 0) / 3_600_000;
  assert.ok(hours >= 75.5 && hours <= 75.7 * 1.1, `${hours}`);
  assert.equal(pauseAfter(10), null);
  assert.ok(pauseAfter(1, 1e15)! <= 24 * 3_600_000 * 1.1, "a wish is bounded");
});

Deno.test("look() makes each delivery once, also side by side, and none for an inactive tenant", async () => {
  await using app = await startApp();
  const { db, fanOut, webhooks, events } = app.services;
  const by = { tenant: app.tenant.id, subject: "key:test" };
  await webhooks.create(by, { url: "https://hooks.example.com/", types: ["event.created"] });
  const active = await webhooks.active(app.tenant.id);
  const event = { type: "fall" as const, severity: "low" as const, description: "", notes: "" };
  const none = { camera_id: null, box: null, confidence: null, image_id: null };
  for (let i = 0; i < 5; i++) await events.create(app.tenant.id, { ...event, ...none });

  const key = tables.tenants.key(app.tenant.id);
  await db.kv.set(key, { ...app.tenant, active: false });
  assert.equal(await fanOut.look(app.tenant.id, active), false, "nor is it looked for again");
  const made = async () =>
    (await Array.fromAsync(db.list({ prefix: tables.deliveries.prefix() }))).length;
  assert.equal(await made(), 0);

  await db.kv.set(key, app.tenant);
  await Promise.all(Array.from({ length: 5 }, () => fanOut.look(app.tenant.id, active)));
  while (await fanOut.look(app.tenant.id, active));
  assert.equal(await made(), 5);
});

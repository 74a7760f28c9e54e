import assert from "node:assert/strict";
import type { ImageRow } from "../../lib/model/image.ts";
import { defineStep } from "../../pipeline/step.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { until } from "../helpers/clock.ts";
import { png } from "../helpers/pictures.ts";

/** A step that notes whose turn it was. */
function recorder() {
  const order: ImageRow[] = [];
  const step = defineStep({
    name: "noted",
    timeoutMs: 1_000,
    run({ image }) {
      order.push(image);
      return Promise.resolve({});
    },
  });
  return { order, step };
}

async function send(app: TestApp, count: number, key?: string) {
  for (let i = 0; i < count; i++) {
    assert.equal((await app.upload(png(8, 8, i % 256), `${i}.png`, key)).status, 202);
  }
}

Deno.test("premium goes first, and standard still moves", async () => {
  const { order, step } = recorder();
  await using app = await startApp({ steps: [step], env: { WORKER_MAX_JOBS: "1" } });
  const premium = await app.asTenant({ plan: "premium" });
  await send(app, 10);
  await send(app, 30, premium.key);
  await app.drain();
  const turns = order.map(({ tenant }) => tenant === premium.tenant.id ? "premium" : "standard");
  assert.equal(turns.length, 40);
  assert.equal(turns[0], "premium");
  const early = turns.slice(0, 20);
  assert.equal(early.filter((plan) => plan === "standard").length, 5, "every fourth turn");
});

Deno.test("a tenant that floods does not hold another's few images", async () => {
  const { order, step } = recorder();
  await using app = await startApp({ steps: [step], env: { WORKER_MAX_JOBS: "2" } });
  const small = await app.asTenant();
  await send(app, 300);
  await send(app, 10, small.key);
  await app.drain();
  const last = order.findLastIndex(({ tenant }) => tenant === small.tenant.id);
  assert.ok(last <= 22, `the tenth of the small tenant came as number ${last + 1} of 310`);
});

Deno.test("no more jobs run at once than WORKER_MAX_JOBS", async () => {
  let now = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const step = defineStep({
    name: "counted",
    timeoutMs: 1_000,
    async run() {
      most = Math.max(most, ++now);
      await gate.promise;
      now--;
      return {};
    },
  });
  await using app = await startApp({ steps: [step], env: { WORKER_MAX_JOBS: "4" } });
  const other = await app.asTenant();
  await send(app, 20);
  await send(app, 20, other.key);
  const drained = app.drain();
  await until(() => now === 4);
  for (let i = 0; i < 10; i++) app.worker.scheduler.poke();
  gate.resolve();
  await drained;
  assert.equal(most, 4);
});

Deno.test("an image costs at most six commits", async () => {
  await using app = await startApp();
  await send(app, 1);
  const before = app.services.db.commits;
  await send(app, 5);
  await app.drain();
  const each = (app.services.db.commits - before) / 5;
  assert.ok(each <= 6, `${each} commits an image`);
});

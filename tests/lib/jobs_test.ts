import assert from "node:assert/strict";
import { backoff, conclude, isDue, newStep } from "../../lib/jobs.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import type { Plan } from "../../lib/model/tenant.ts";

const NOW = Date.parse("2026-05-01T10:00:00Z");
const failure = { code: "upstream_failed", message: "It broke", upstreamStatus: 500, final: false };

Deno.test("conclude() spends a try on a failure and says when the next is due", () => {
  const step = newStep();
  conclude(step, { kind: "failed", failure }, NOW, 3);
  assert.equal(step.state, "retrying");
  assert.equal(step.attempts, 1);
  assert.deepEqual(step.errors.map(({ code, upstream_status }) => [code, upstream_status]), [
    ["upstream_failed", 500],
  ]);
  const wait = Date.parse(step.retry_at!) - NOW;
  assert.ok(wait >= 750 && wait <= 1250, `about a second, was ${wait}`);
  assert.ok(!isDue(step, NOW) && isDue(step, NOW + 1250));
});

Deno.test("conclude() gives up after the last try, keeping the whole history", () => {
  const step = newStep();
  for (let i = 0; i < 3; i++) conclude(step, { kind: "failed", failure }, NOW + i, 3);
  assert.equal(step.state, "failed");
  assert.equal(step.errors.length, 3);
  assert.equal(step.reason, "It broke");
});

Deno.test("conclude() gives up at once when trying again is pointless", () => {
  const step = newStep();
  conclude(step, { kind: "failed", failure: { ...failure, final: true } }, NOW, 3);
  assert.equal(step.state, "failed");
});

Deno.test("conclude() spends no try on a snooze, but does not wait for ever", () => {
  const step = { ...newStep(), started_at: new Date(NOW).toISOString() };
  conclude(step, { kind: "snoozed", ms: 5000, reason: "The provider is down" }, NOW, 3);
  assert.equal(step.attempts, 0);
  assert.equal(step.state, "retrying");
  const later = NOW + 7 * 60 * 60 * 1000;
  conclude(step, { kind: "snoozed", ms: 5000, reason: "The provider is down" }, later, 3);
  assert.equal(step.state, "failed");
});

Deno.test("backoff() doubles, is bounded, and never undercuts what was asked for", () => {
  const still = () => 0.5;
  assert.deepEqual([1, 2, 3].map((n) => backoff(n, 0, still)), [1000, 2000, 4000]);
  assert.equal(backoff(50, 0, still), 300_000);
  assert.equal(backoff(1, 60_000, still), 60_000);
});

Deno.test("waiting() comes round to every tenant once, and shows each one's first job", async () => {
  await using app = await startApp({ steps: [] });
  const first = await submit(app, "a", 1);
  await submit(app, "a", 2);
  await submit(app, "b", 1);
  await submit(app, "c", 1);
  assert.deepEqual(await order(app, "standard", ""), ["a", "b", "c"]);
  assert.deepEqual(await order(app, "standard", "a"), ["b", "c", "a"]);
  assert.deepEqual(await order(app, "standard", "c"), ["a", "b", "c"]);
  assert.deepEqual(await order(app, "premium", ""), []);
  for await (const { tenant, id } of app.services.jobs.waiting("standard")) {
    if (tenant === "a") assert.equal(id, first);
  }
});

Deno.test("claim() gives a job to one of two who ask", async () => {
  await using app = await startApp({ steps: [] });
  await submit(app, "a", 1);
  const { db, jobs } = app.services;
  const waiting = (await jobs.waiting("standard").next()).value!;
  const claims = await Promise.all(["x", "y"].map((owner) =>
    db.transact(async (tx) => {
      const job = await jobs.claim(tx, waiting, owner);
      if (job) await jobs.save(tx, { ...job, steps: { only: { ...newStep(), state: "running" } } });
      return job;
    })
  ));
  assert.equal(claims.filter(Boolean).length, 1);
});

async function submit(app: TestApp, tenant: string, n: number): Promise<string> {
  const { db, jobs } = app.services;
  const job = await db.transact((tx) =>
    jobs.add(tx, { tenant, plan: "standard", subject: `image ${n}`, steps: ["only"] })
  );
  return job.id;
}

async function order(app: TestApp, plan: Plan, after: string): Promise<string[]> {
  const tenants: string[] = [];
  for await (const { tenant } of app.services.jobs.waiting(plan, after)) tenants.push(tenant);
  return tenants;
}

import assert from "node:assert/strict";
import { newStep } from "../../lib/step_runs.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import type { Plan } from "../../lib/model/tenant.ts";

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

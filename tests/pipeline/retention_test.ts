import assert from "node:assert/strict";
import { createMemoryStorage } from "../../lib/storage/memory.ts";
import { tables } from "../../lib/tables.ts";
import { createRetentionSweep } from "../../pipeline/upkeep/retention.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { until } from "../helpers/clock.ts";
import { png } from "../helpers/pictures.ts";

const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;

const note = ({ services }: TestApp, tenant: string, action: string) =>
  services.db.transact((tx) => services.audit.note(tx, tenant, "system", action));

const actions = async ({ services }: TestApp, tenant: string) =>
  (await services.audit.list(tenant, 100)).map(({ action }) => action);

Deno.test("a worker's start purges what became too old meanwhile", async () => {
  await using app = await startApp({ env: { AUDIT_RETENTION_DAYS: "30" } });
  await note(app, app.tenant.id, "old");
  await app.clock.advance(20 * DAY);
  await note(app, app.tenant.id, "young");
  await app.clock.advance(10 * DAY + 1);
  await app.worker.start();
  await until(async () => (await actions(app, app.tenant.id)).join() === "young");
});

Deno.test("retention goes on every hour by the clock, until it is stopped", async () => {
  await using app = await startApp({ env: { AUDIT_RETENTION_DAYS: "30" } });
  const { retention } = app.worker;
  retention.start();
  const count = async () => (await actions(app, app.tenant.id)).length;
  await app.clock.advance(30 * DAY);
  assert.equal(await count(), 1, "the client's creation, which is just old enough to stay");
  await until(async () => {
    await app.clock.advance(HOUR);
    return await count() === 0;
  });
  retention.stop();
  await note(app, app.tenant.id, "later");
  await app.clock.advance(60 * DAY);
  assert.equal(await count(), 1);
});

Deno.test("sweep() goes through all tenants, and one thing that fails hinders no other", async () => {
  await using app = await startApp();
  const other = await app.asTenant();
  const purged: string[] = [];
  const sweep = createRetentionSweep({
    ...app.services,
    retentions: [
      { what: "feedback", keepMs: DAY, purge: () => Promise.reject(new Error("no")) },
      {
        what: "events",
        keepMs: DAY,
        purge: (tenant, before) => {
          assert.equal(before, app.clock.now() - DAY);
          return Promise.resolve(purged.push(tenant));
        },
      },
    ],
  });
  await sweep.sweep();
  assert.deepEqual(purged.toSorted(), [app.tenant.id, other.tenant.id].toSorted());
});

Deno.test("sweep() takes what somebody under way wrote behind an erasure", async () => {
  await using app = await startApp();
  const { id } = (await app.asTenant()).tenant;
  const { db, erasures } = app.services;
  const { erased } = await erasures.erase(id, "other", "master");
  await db.transact((tx) => tx.sum(tables.aiSpending.key(id, "2026-05", "calls"), 1));
  await app.worker.retention.sweep();
  assert.deepEqual(await Array.fromAsync(db.list({ prefix: tables.aiSpending.prefix(id) })), []);
  assert.equal((await erasures.receipt(id)).erased.records, erased.records + 1);
});

Deno.test("sweep() ends an erasure that a failing storage has interrupted", async () => {
  let fails = true;
  const storage = createMemoryStorage({
    intercept: (operation) => {
      if (operation === "delete" && fails) throw new Error("the storage is away");
    },
  });
  await using app = await startApp({ storage, steps: [] });
  await app.upload(png());
  const { erasures } = app.services;
  await assert.rejects(erasures.erase(app.tenant.id, "default", "master"));
  await app.worker.retention.sweep();
  assert.equal((await erasures.receipt(app.tenant.id)).state, "running");
  fails = false;
  await app.worker.retention.sweep();
  const { state, erased } = await erasures.receipt(app.tenant.id);
  assert.deepEqual([state, erased.objects], ["done", 1]);
});

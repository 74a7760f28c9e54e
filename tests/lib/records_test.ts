import assert from "node:assert/strict";
import { Problem } from "../../lib/errors.ts";
import { tables } from "../../lib/tables.ts";
import { startApp } from "../helpers/app.ts";
import { recount } from "../helpers/recount.ts";

const DAY = 24 * 60 * 60 * 1000;
const refused = new Problem("unsupported_type", "no picture");

Deno.test("refuse() keeps the last 1,000 of a tenant, however many come at once", async () => {
  await using app = await startApp();
  const { records, db, storage } = app.services;
  const made = await Promise.all(
    Array.from({ length: 1_010 }, (_, i) => records.refuse(app.tenant.id, `${i}.txt`, refused)),
  );
  const kept = await Array.fromAsync(db.list({ prefix: tables.refusals.prefix() }));
  assert.equal(kept.length, 1_000);
  const [newest] = await records.list(app.tenant.id, 1);
  assert.equal(newest?.id, made.at(-1)?.id);
  await assert.rejects(records.get(app.tenant.id, made[9]!.id), Problem);
  assert.equal((await records.get(app.tenant.id, made[10]!.id)).original_name, "10.txt");
  assert.equal((await records.stats(app.tenant.id)).total, 1_010);
  assert.deepEqual(await recount(db, storage), []);
});

Deno.test("refusals are told for 90 days", async () => {
  await using app = await startApp();
  const { records } = app.services;
  const { id } = (await records.refuse(app.tenant.id, "a.txt", refused))!;
  await app.clock.advance(90 * DAY);
  assert.equal((await records.list(app.tenant.id, 10)).length, 1);
  await app.clock.advance(1);
  assert.deepEqual(await records.list(app.tenant.id, 10), []);
  await assert.rejects(records.get(app.tenant.id, id), Problem);
});

Deno.test("refuse() keeps nothing of other errors, nor for a tenant that is gone", async () => {
  await using app = await startApp();
  const { records } = app.services;
  const others = [
    new Problem("quota_exceeded", "full"),
    new Problem("unauthorized", "who?"),
    new Error("a bug"),
  ];
  for (const error of others) {
    assert.equal(await records.refuse(app.tenant.id, "a.txt", error), null);
  }
  assert.equal(await records.refuse(crypto.randomUUID(), "a.txt", refused), null);
  assert.equal((await records.stats(app.tenant.id)).total, 0);
});

Deno.test("an erased tenant's refusals and counters are gone", async () => {
  await using app = await startApp();
  const { records, erasures, db } = app.services;
  const { tenant } = await app.asTenant();
  await records.refuse(tenant.id, "a.txt", refused);
  await erasures.erase(tenant.id, tenant.name, "test");
  const { refusals, refusalSlots, refusalCount, uploadCounts } = tables;
  for (const table of [refusals, refusalSlots, refusalCount, uploadCounts]) {
    assert.deepEqual(await Array.fromAsync(db.list({ prefix: table.prefix() })), [], table.name);
  }
});

import assert from "node:assert/strict";
import { createDatabase } from "../../lib/kv.ts";
import { createMemoryStorage } from "../../lib/storage/memory.ts";
import { tables } from "../../lib/tables.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { png } from "../helpers/pictures.ts";
import { recount } from "../helpers/recount.ts";

/** Everything in the database and the storage that has the tenant's id in it, but for the receipt. */
async function traces({ services }: TestApp, tenant: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key, value } of services.db.list({ prefix: [] })) {
    const text = JSON.stringify([key, value], (_, v) => typeof v === "bigint" ? `${v}` : v);
    if (text.includes(tenant) && key[0] !== "erasures" && key[0] !== "first_tenant") {
      found.push(text);
    }
  }
  for await (const { key } of services.storage.list("")) {
    if (key.startsWith(tenant)) found.push(key);
  }
  return found;
}

Deno.test("erase() leaves no record, index entry or object of the tenant, and others untouched", async () => {
  await using app = await startApp();
  const other = await app.asTenant();
  for (const key of [app.key, other.key]) {
    for (let i = 0; i < 3; i++) await app.upload(png(32, 32, i), "a.png", key);
  }
  await app.drain();
  await app.upload(png(16, 16), "waits.png", other.key);
  assert.ok((await traces(app, other.tenant.id)).length > 20);
  const receipt = await app.services.erasures.erase(other.tenant.id, "other", "master");
  assert.equal(receipt.state, "done");
  assert.deepEqual(await traces(app, other.tenant.id), []);
  assert.equal((await app.request("/images")).status, 200);
  // A run that was under way takes back what it has just stored.
  await app.worker.scheduler.idle();
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
});

Deno.test("erase() goes on where a crash interrupted it, and counts each thing once", async () => {
  const uninterrupted = await eraseAfter(Infinity);
  assert.ok(uninterrupted.crashes === 0);
  for (const deletes of [0, 1, 5]) {
    const { crashes, receipt } = await eraseAfter(deletes);
    assert.equal(crashes, 1);
    assert.equal(receipt?.state, "done");
    assert.equal(receipt?.erased.records, uninterrupted.receipt?.erased.records);
  }
});

/** Erases a tenant whose storage fails once after so many deletions, then resumes like a new start. */
async function eraseAfter(deletes: number) {
  let left = Infinity;
  const storage = createMemoryStorage({
    intercept: (operation) => {
      if (operation !== "delete" || left-- > 0) return;
      left = Infinity;
      throw new Error("crash");
    },
  });
  await using app = await startApp({ storage });
  for (let i = 0; i < 2; i++) await app.upload(png(32, 32, i));
  await app.drain();
  left = deletes;
  let crashes = 0;
  const { erasures, db } = app.services;
  await erasures.erase(app.tenant.id, "default", "master").catch(() => crashes++);
  if (crashes) {
    assert.equal((await app.request("/images")).status, 401, "dead meanwhile");
    const revive = app.services.tenants.patch(app.tenant.id, { active: true }, "master");
    await assert.rejects(revive, { code: "conflict" });
  }
  await erasures.resume();
  assert.deepEqual(await traces(app, app.tenant.id), []);
  return { crashes, receipt: await db.get(tables.erasures.key(app.tenant.id)) };
}

Deno.test("erase() while uploads and the pipeline run ends with nothing left", async () => {
  await using app = await startApp();
  const other = await app.asTenant();
  for (let i = 0; i < 4; i++) await app.upload(png(64, 64, i), "a.png", other.key);
  const draining = app.drain();
  const uploads = Array.from({ length: 10 }, (_, i) => app.upload(png(8, 8, i), "b", other.key));
  const erasing = app.services.erasures.erase(other.tenant.id, "other", "master");
  const answers = await Promise.all(uploads);
  await Promise.all([erasing, draining]);
  await app.drain();
  for (const { status } of answers) assert.ok([202, 401, 404].includes(status), String(status));
  assert.deepEqual(await traces(app, other.tenant.id), []);
});

Deno.test("erase() takes thousands of records in several transactions", async () => {
  const db = createDatabase(await Deno.openKv(":memory:"), Object.values(tables));
  await using app = await startApp({ db });
  for (let i = 0; i < 1_203; i++) {
    await db.transact((tx) => app.services.audit.note(tx, app.tenant.id, "system", `test ${i}`));
  }
  const { erased } = await app.services.erasures.erase(app.tenant.id, "default", "master");
  assert.ok(erased.records > 1_203);
  assert.deepEqual(await traces(app, app.tenant.id), []);
});

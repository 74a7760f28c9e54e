import assert from "node:assert/strict";
import { startApp } from "../helpers/app.ts";

Deno.test("createFirst() makes one tenant, however many starts there are at once", async () => {
  await using app = await startApp();
  const { db, tenants } = app.services;
  for await (const { key } of db.list({ prefix: [] })) await db.kv.delete(key);
  const starts = await Promise.all(Array.from({ length: 20 }, () => tenants.createFirst()));
  assert.equal(starts.filter((made) => made !== null).length, 1);
  assert.equal((await tenants.list(10)).length, 1);
});

Deno.test("createFirst() makes nothing again after the first tenant was erased", async () => {
  await using app = await startApp();
  await app.services.erasures.erase(app.tenant.id, "default", "master");
  assert.equal(await app.services.tenants.createFirst(), null);
  assert.deepEqual(await app.services.tenants.list(10), []);
});

Deno.test("patch() keeps a quota of its own when the plan changes", async () => {
  await using app = await startApp();
  const { tenant } = await app.asTenant({ quota_bytes: 5 });
  const after = await app.services.tenants.patch(tenant.id, { plan: "premium" }, "master");
  assert.deepEqual([after.plan, after.quota_bytes], ["premium", 5]);
});

import assert from "node:assert/strict";
import { startApp } from "../helpers/app.ts";
import { png } from "../helpers/pictures.ts";
import { recount } from "../helpers/recount.ts";

const SIZE = png().length;

Deno.test("20 uploads at once into room for 3 make exactly 3, round after round", async () => {
  await using app = await startApp();
  const { key, request, tenant } = await app.asTenant({ quota_bytes: 3 * SIZE + SIZE - 1 });
  for (let round = 0; round < 3; round++) {
    const uploads = Array.from({ length: 20 }, (_, i) => app.upload(png(8, 8, i), "a", key));
    const statuses = (await Promise.all(uploads)).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 202).length, 3);
    assert.equal(statuses.filter((status) => status === 507).length, 17);
    await app.drain();
    assert.deepEqual(await recount(app.services.db, app.services.storage), []);
    const { items } = await (await request("/images")).json();
    const remove = (id: string) => request(`/images/${id}`, { method: "DELETE" });
    await Promise.all(items.map(({ id }: { id: string }) => remove(id)));
    assert.equal((await app.services.quotas.read(tenant)).used_bytes, 0);
  }
});

Deno.test("uploads and deletes side by side never exceed the quota, and the count is right", async () => {
  await using app = await startApp();
  const { key, request, tenant } = await app.asTenant({ quota_bytes: 3 * SIZE });
  const ids: string[] = [];
  const addOne = async (i: number) => {
    const answer = await app.upload(png(8, 8, i), "a", key);
    assert.ok(answer.status === 202 || answer.status === 507, String(answer.status));
    if (answer.ok) ids.push((await answer.json()).id);
    assert.ok((await app.services.quotas.read(tenant)).used_bytes <= 3 * SIZE);
  };
  const removeOne = async () => {
    const id = ids.pop();
    if (id) await Promise.all([1, 2].map(() => request(`/images/${id}`, { method: "DELETE" })));
  };
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 20 }, (_, i) => i % 4 ? addOne(i) : removeOne()));
  }
  await app.drain();
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
  const { items, quota } = await (await request("/images")).json();
  assert.deepEqual([quota.used_bytes, items.length], [ids.length * SIZE, ids.length]);
});

Deno.test("a full quota refuses early, before the body is read, and leaves nothing", async () => {
  await using app = await startApp();
  const { key, request } = await app.asTenant({ quota_bytes: SIZE });
  assert.equal((await app.upload(png(), "a", key)).status, 202);
  let read = 0;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      read++;
      controller.enqueue(new Uint8Array(65_536));
    },
  }, { highWaterMark: 0 });
  const headers = { "Content-Type": "multipart/form-data; boundary=x" };
  const init: RequestInit & { duplex: "half" } = { method: "POST", headers, body, duplex: "half" };
  assert.equal((await request("/images/upload", init)).status, 507);
  assert.equal(read, 0);
  await body.cancel();
});

Deno.test("a Content-Length that can never fit is refused before the body is read", async () => {
  await using app = await startApp();
  const { request } = await app.asTenant({ quota_bytes: 1_000_000 });
  const headers = {
    "Content-Type": "multipart/form-data; boundary=x",
    "Content-Length": "2000000",
  };
  assert.equal((await request("/images/upload", { method: "POST", headers })).status, 507);
});

Deno.test("a quota of nothing takes nothing, and a quota lowered below its use refuses more", async () => {
  await using app = await startApp({ steps: [] });
  const none = await app.asTenant({ quota_bytes: 0 });
  assert.equal((await app.upload(png(), "a", none.key)).status, 507);
  assert.equal((await app.services.quotas.read(none.tenant)).percent, 100);
  await app.upload(png());
  await app.services.tenants.patch(app.tenant.id, { quota_bytes: 1 }, "master");
  assert.equal((await app.upload(png())).status, 507);
  const { quota } = await (await app.request("/images")).json();
  assert.deepEqual([quota.used_bytes, quota.remaining_bytes], [SIZE, 0]);
});

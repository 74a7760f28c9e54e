import assert from "node:assert/strict";
import { createKvStorage } from "../../../lib/storage/kv.ts";
import { bytesOf, isProblem, pattern, stream, testStorage } from "./conformance.ts";

testStorage("kv", async () => {
  const kv = await Deno.openKv(":memory:");
  return { storage: createKvStorage(kv), close: () => kv.close() };
});

async function withKv(test: (kv: Deno.Kv) => Promise<void>): Promise<void> {
  using kv = await Deno.openKv(":memory:");
  await test(kv);
}

async function entries(kv: Deno.Kv): Promise<Deno.KvEntry<unknown>[]> {
  return await Array.fromAsync(kv.list({ prefix: [] }));
}

Deno.test("kv storage publishes with the manifest only", () =>
  withKv(async (kv) => {
    const storage = createKvStorage(kv);
    let written = 0;
    await storage.put(
      "t/i/o",
      stream((function* () {
        for (; written < 40; written++) yield pattern(60_000);
      })()),
    );
    const all = await entries(kv);
    assert.equal(all.filter(({ key }) => key[1] === "chunks").length, 40);
    assert.equal(all.filter(({ key }) => key[1] === "objects").length, 1);
    assert.equal(all.length, 41, "no mark is left");
  }));

Deno.test("kv storage leaves nothing behind when an object is replaced or deleted", () =>
  withKv(async (kv) => {
    const storage = createKvStorage(kv);
    await storage.put("t/i/o", pattern(200_000));
    await storage.put("t/i/o", pattern(10));
    assert.equal((await entries(kv)).length, 2);
    await storage.delete("t/i/o");
    assert.deepEqual(await entries(kv), []);
  }));

Deno.test("kv storage reports a missing chunk, never a short object", () =>
  withKv(async (kv) => {
    const storage = createKvStorage(kv);
    await storage.put("t/i/o", pattern(200_000));
    for (const { key } of await entries(kv)) {
      if (key[1] === "chunks" && key[3] === 2) await kv.delete(key);
    }
    const object = await storage.get("t/i/o");
    assert.ok(object);
    await assert.rejects(bytesOf(object.body), isProblem("unavailable"));
    assert.equal(
      (await bytesOf((await storage.get("t/i/o", { start: 0, end: 99 }))!.body)).length,
      100,
    );
  }));

Deno.test("kv storage sweep() removes what a crashed put wrote", () =>
  withKv(async (kv) => {
    await kv.set(["storage", "loose", "crashed"], 1_000);
    for (let n = 0; n < 30; n++) await kv.set(["storage", "chunks", "crashed", n], pattern(10));
    const storage = createKvStorage(kv, { now: () => 5_000 });
    await storage.put("t/i/o", pattern(10));
    assert.equal(await storage.sweep(new Date(1_000)), 0);
    assert.equal(await storage.sweep(new Date(2_000)), 1);
    assert.equal((await entries(kv)).length, 2);
  }));

Deno.test("kv storage never publishes chunks that were swept away", () =>
  withKv(async (kv) => {
    const storage = createKvStorage(kv, { now: () => 1_000 });
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const put = storage.put("t/i/o", readable);
    const writer = writable.getWriter();
    await writer.write(pattern(10));
    await writer.write(pattern(10));
    assert.equal(await storage.sweep(new Date(2_000)), 1);
    const refused = assert.rejects(put, isProblem("unavailable"));
    await writer.close();
    await refused;
    assert.equal(await storage.stat("t/i/o"), null);
  }));

import assert from "node:assert/strict";
import { createDisk } from "../../lib/disk.ts";
import { Problem } from "../../lib/errors.ts";
import { createMemoryStorage } from "../../lib/storage/memory.ts";

const isFull = (error: unknown) => error instanceof Problem && error.code === "storage_full";

function diskOf(free: number, floor = 1_000) {
  const state = { free, now: 0, looks: 0 };
  const disk = createDisk({
    path: "/",
    floor,
    now: () => state.now,
    readFree: () => {
      state.looks++;
      return Promise.resolve(state.free);
    },
  });
  return { state, disk, storage: disk.guard(createMemoryStorage()) };
}

Deno.test("guard() refuses bytes below the floor, and still reads and deletes", async () => {
  const { state, storage } = diskOf(5_000);
  await storage.put("t/a/x", new Uint8Array(100));
  [state.free, state.now] = [1_050, 2_000];
  await assert.rejects(storage.put("t/b/x", new Uint8Array(100)), isFull);
  assert.equal((await storage.stat("t/a/x"))?.size, 100);
  await storage.delete("t/a/x");
  [state.free, state.now] = [5_000, 4_000];
  await storage.put("t/b/x", new Uint8Array(100));
});

Deno.test("guard() counts what it lets through between two looks", async () => {
  const { state, storage } = diskOf(5_000);
  const stream = (size: number) => new Blob([new Uint8Array(size)]).stream();
  await storage.put("t/a/x", stream(3_000));
  await assert.rejects(storage.put("t/b/x", stream(3_000)), isFull);
  assert.equal(await storage.stat("t/b/x"), null);
  assert.equal(state.looks, 1);
});

Deno.test("look() asks the file system for its free bytes", async () => {
  const free = await createDisk({ path: ".", floor: 0 }).look();
  assert.ok(free > 0 && Number.isFinite(free));
});

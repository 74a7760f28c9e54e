import assert from "node:assert/strict";
import { asProblem, createLocalStorage } from "../../../lib/storage/local.ts";
import { bytesOf, isProblem, pattern, testStorage } from "./conformance.ts";

testStorage("local", async () => {
  const root = await Deno.makeTempDir();
  return {
    storage: createLocalStorage({ root }),
    close: () => Deno.remove(root, { recursive: true }),
  };
});

async function withRoot(test: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await test(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
}

Deno.test("local storage keeps all objects of an image in one folder", () =>
  withRoot(async (root) => {
    const storage = createLocalStorage({ root });
    for (const name of ["original", "small", "medium"]) {
      await storage.put(`tenant/image/${name}`, pattern(1));
    }
    const [shard = "", ...others] = await namesIn(`${root}/objects/tenant`);
    assert.match(shard, /^[0-9a-f]{2}$/);
    assert.deepEqual(others, []);
    assert.equal((await namesIn(`${root}/objects/tenant/${shard}`)).length, 3);
  }));

Deno.test("local storage writes while the bytes arrive and keeps no temporary file", () =>
  withRoot(async (root) => {
    const storage = createLocalStorage({ root });
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const put = storage.put("t/i/o", readable);
    const writer = writable.getWriter();
    for (let i = 0; i < 4; i++) await writer.write(pattern(1_000));
    const [temp = ""] = await namesIn(`${root}/tmp`);
    assert.ok((await Deno.stat(`${root}/tmp/${temp}`)).size >= 2_000);
    assert.equal(await storage.stat("t/i/o"), null);
    await writer.close();
    await put;
    assert.deepEqual(await namesIn(`${root}/tmp`), []);
  }));

Deno.test("local storage sweep() removes old temporary files and nothing else", () =>
  withRoot(async (root) => {
    const storage = createLocalStorage({ root });
    await storage.put("t/i/o", pattern(1));
    await Deno.writeTextFile(`${root}/tmp/old`, "x");
    await Deno.utime(`${root}/tmp/old`, 1_000, 1_000);
    await Deno.writeTextFile(`${root}/tmp/fresh`, "x");
    assert.equal(await storage.sweep(new Date(2_000_000)), 1);
    assert.deepEqual(await namesIn(`${root}/tmp`), ["fresh"]);
    assert.equal((await storage.stat("t/i/o"))?.size, 1);
  }));

Deno.test("local storage never gives a file that shrank as a short answer", () =>
  withRoot(async (root) => {
    const storage = createLocalStorage({ root });
    await storage.put("t/i/o", pattern(100_000));
    const object = await storage.get("t/i/o");
    assert.ok(object);
    const [shard = ""] = await namesIn(`${root}/objects/t`);
    await Deno.truncate(`${root}/objects/t/${shard}/i~o`, 50_000);
    await assert.rejects(bytesOf(object.body), isProblem("unavailable"));
  }));

Deno.test("asProblem() tells a full disk from a refusing one", () => {
  const failed = (code: string) => Object.assign(new Error(code), { code });
  for (const code of ["ENOSPC", "EDQUOT"]) {
    assert.ok(isProblem("storage_full")(asProblem(failed(code))));
  }
  for (const code of ["EACCES", "EROFS", "EMFILE", "EIO"]) {
    assert.ok(isProblem("unavailable")(asProblem(failed(code))), code);
  }
  const bug = new TypeError("a bug");
  assert.equal(asProblem(bug), bug);
});

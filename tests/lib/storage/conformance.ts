import assert from "node:assert/strict";
import { Problem } from "../../../lib/errors.ts";
import type { Storage } from "../../../lib/storage/storage.ts";

/** A backend under test, and what to undo afterwards. */
export type Harness = { storage: Storage; close: () => Promise<void> | void };

const MB = 1_048_576;

/**
 * What every storage backend must do, as tests named after it. Each test gets a storage of its own
 * from `open`, or shares one and uses its own tenant.
 */
export function testStorage(name: string, open: () => Promise<Harness>, ignore = false): void {
  for (const [fact, check] of Object.entries(FACTS)) {
    Deno.test({
      name: `${name} storage ${fact}`,
      ignore,
      fn: async () => {
        const { storage, close } = await open();
        const tenant = `t-${crypto.randomUUID()}`;
        try {
          await check(storage, tenant);
        } finally {
          await removeAll(storage, `${tenant}/`);
          await removeAll(storage, `${tenant}2/`);
          await close();
        }
      },
    });
  }
}

const FACTS: Record<string, (storage: Storage, tenant: string) => Promise<void>> = {
  "gives back what was put": async (storage, tenant) => {
    const bytes = pattern(100_000);
    const put = await storage.put(`${tenant}/image/original`, bytes);
    const stat = await storage.stat(`${tenant}/image/original`);
    assert.equal(put.size, 100_000);
    assert.equal(stat?.size, 100_000);
    assert.ok(Math.abs(stat.modifiedAt.getTime() - put.modifiedAt.getTime()) < 5_000);
    assert.deepEqual(await read(storage, `${tenant}/image/original`), bytes);
  },
  "takes a stream of uneven chunks": async (storage, tenant) => {
    const bytes = pattern(150_001);
    await storage.put(`${tenant}/image/original`, stream(pieces(bytes, [1, 0, 59_999, 1, 65_536])));
    assert.deepEqual(await read(storage, `${tenant}/image/original`), bytes);
  },
  "answers null for what is not there": async (storage, tenant) => {
    assert.equal(await storage.get(`${tenant}/image/none`), null);
    assert.equal(await storage.stat(`${tenant}/image/none`), null);
    assert.equal(await storage.get(`${tenant}/image/none`, { start: 0, end: 1 }), null);
    await storage.delete(`${tenant}/image/none`);
  },
  "keeps an empty object": async (storage, tenant) => {
    await storage.put(`${tenant}/image/empty`, new Uint8Array());
    await storage.put(`${tenant}/image/empty2`, stream([]));
    assert.equal((await storage.stat(`${tenant}/image/empty`))?.size, 0);
    assert.equal((await read(storage, `${tenant}/image/empty`)).length, 0);
    assert.equal((await read(storage, `${tenant}/image/empty2`)).length, 0);
  },
  "replaces an object whole": async (storage, tenant) => {
    const key = `${tenant}/image/original`;
    await storage.put(key, pattern(200_000));
    await storage.put(key, pattern(70_000, 5));
    assert.deepEqual(await read(storage, key), pattern(70_000, 5));
    assert.equal((await storage.stat(key))?.size, 70_000);
  },
  "deletes": async (storage, tenant) => {
    const key = `${tenant}/image/original`;
    await storage.put(key, pattern(130_000));
    await storage.delete(key);
    assert.equal(await storage.get(key), null);
    assert.deepEqual(await keys(storage, `${tenant}/`), []);
  },
  "reads ranges to the byte": async (storage, tenant) => {
    const key = `${tenant}/image/original`;
    const bytes = pattern(180_000);
    await storage.put(key, bytes);
    const ranges = [[0, 0], [0, 179_999], [179_999, 179_999], [59_999, 60_000], [60_000, 120_000]];
    for (const [start = 0, end = 0] of ranges) {
      const part = await storage.get(key, { start, end });
      assert.equal(part?.size, 180_000, "the size is the whole object's");
      assert.deepEqual(await bytesOf(part.body), bytes.slice(start, end + 1), `${start}-${end}`);
    }
  },
  "refuses a range outside the object": async (storage, tenant) => {
    const key = `${tenant}/image/original`;
    await storage.put(key, pattern(10));
    for (const range of [{ start: 0, end: 10 }, { start: 10, end: 10 }, { start: 50, end: 60 }]) {
      await assert.rejects(storage.get(key, range), isProblem("range_not_satisfiable"));
    }
  },
  "lists by prefix, not the siblings": async (storage, tenant) => {
    const [a, b] = ["0198-aaaa", "0198-aaaa2"];
    for (const key of [`${a}/original`, `${a}/small`, `${b}/original`, "media/x.jpg"]) {
      await storage.put(`${tenant}/${key}`, pattern(3));
    }
    await storage.put(`${tenant}2/${a}/original`, pattern(4));
    assert.deepEqual(await keys(storage, `${tenant}/${a}/`), [`${a}/original`, `${a}/small`]);
    assert.deepEqual(
      await keys(storage, `${tenant}/`),
      [`${a}/original`, `${a}/small`, `${b}/original`, "media/x.jpg"],
    );
    assert.deepEqual(await keys(storage, `${tenant}/none/`), []);
    const all = await Array.fromAsync(storage.list(""));
    assert.equal(all.find(({ key }) => key === `${tenant}2/${a}/original`)?.size, 4);
  },
  "keeps odd but legal keys apart": async (storage, tenant) => {
    const odd = [
      "a.b_c-D/x",
      "a.b_c-D/.x",
      "a.b_c-D/-",
      "A/x",
      "a/x/y.z",
      "a/x.y.z",
      "_/...",
      "0/0",
    ];
    for (const [i, key] of odd.entries()) await storage.put(`${tenant}/${key}`, pattern(i + 1));
    for (const [i, key] of odd.entries()) {
      assert.deepEqual(await read(storage, `${tenant}/${key}`), pattern(i + 1), key);
    }
    assert.deepEqual(await keys(storage, `${tenant}/`), odd.toSorted());
  },
  "refuses keys that are not made of ids": async (storage, tenant) => {
    const long = `${tenant}/${"k".repeat(240)}`;
    const wrong = ["", "a", "/a", "a/", "a//b", "a/../b", "../a/b", "a/.", "a/b c", "a/b\0", "a/é"];
    for (const key of [...wrong, "a/b\\c", "a/b~c", "a/%2e%2e", "a/b?c", long]) {
      await assert.rejects(async () => await storage.put(key, pattern(1)), TypeError, key);
      await assert.rejects(async () => await storage.get(key), TypeError, key);
      await assert.rejects(async () => await storage.delete(key), TypeError, key);
    }
    for (const prefix of ["a", "../", "a/../", "/"]) {
      await assert.rejects(async () => await Array.fromAsync(storage.list(prefix)), TypeError);
    }
  },
  "keeps nothing of a stream that fails": async (storage, tenant) => {
    for (const size of [0, 100_000, 9 * MB]) {
      const key = `${tenant}/image/broken${size}`;
      const failing = stream(thenFail(pieces(pattern(size), [65_536])));
      await assert.rejects(storage.put(key, failing), /the client went away/);
      assert.equal(await storage.stat(key), null);
    }
    const old = `${tenant}/image/old`;
    await storage.put(old, pattern(10));
    await assert.rejects(storage.put(old, stream(thenFail([pattern(5)]))), /the client went away/);
    assert.deepEqual(await read(storage, old), pattern(10));
    assert.deepEqual(await keys(storage, `${tenant}/`), ["image/old"]);
    assert.equal(await storage.sweep(new Date(Date.now() + 1e9)), 0, "nothing is left to sweep");
  },
  "gives one of several concurrent puts, whole": async (storage, tenant) => {
    const key = `${tenant}/image/original`;
    const puts = [1, 2, 3, 4, 5].map((seed) => storage.put(key, pattern(90_000 + seed, seed)));
    await Promise.all(puts);
    const found = await read(storage, key);
    assert.deepEqual(found, pattern(found.length, found.length - 90_000));
    assert.equal(await storage.sweep(new Date(Date.now() + 1e9)), 0, "the others left nothing");
  },
  "moves 20 MB in pieces": async (storage, tenant) => {
    const key = `${tenant}/image/large`;
    const blocks = (function* () {
      for (let i = 0; i < 320; i++) yield pattern(65_536, i);
    })();
    const stored = await storage.put(key, stream(blocks));
    assert.equal(stored.size, 20 * MB);
    const object = await storage.get(key);
    let at = 0;
    for await (const chunk of object?.body ?? []) {
      assert.ok(chunk.length <= MB, "what is read comes in pieces");
      for (let i = 0; i < chunk.length; i += 4_099) {
        assert.equal(chunk[i], byteAt((at + i) % 65_536, Math.floor((at + i) / 65_536)));
      }
      at += chunk.length;
    }
    assert.equal(at, 20 * MB);
  },
  "lets go of a body that is cancelled": async (storage, tenant) => {
    const key = `${tenant}/image/original`;
    await storage.put(key, pattern(300_000));
    await (await storage.get(key))?.body.cancel();
    const reader = (await storage.get(key))?.body.getReader();
    await reader?.read();
    await reader?.cancel();
  },
  "says that it can take bytes": (storage) => storage.check(),
};

/** Bytes in which a misplaced piece shows. */
export function pattern(size: number, seed = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, i) => byteAt(i, seed));
}

function byteAt(i: number, seed: number): number {
  return (i * 31 + (i >> 8) * 7 + (i >> 16) * 3 + seed * 101) & 0xff;
}

export function stream(chunks: Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks);
}

/** The bytes cut into pieces of the given sizes, over and over. */
export function* pieces(bytes: Uint8Array, sizes: number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

function* thenFail(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield* chunks;
  throw new Error("the client went away");
}

export async function bytesOf(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(
    await new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
  );
}

async function read(storage: Storage, key: string): Promise<Uint8Array<ArrayBuffer>> {
  const object = await storage.get(key);
  assert.ok(object, `${key} is there`);
  const bytes = await bytesOf(object.body);
  assert.equal(bytes.length, object.size);
  return bytes;
}

/** The sorted keys below a prefix, without their tenant. */
async function keys(storage: Storage, prefix: string): Promise<string[]> {
  const found = await Array.fromAsync(storage.list(prefix), ({ key }) => key);
  return found.map((key) => key.slice(key.indexOf("/") + 1)).sort();
}

async function removeAll(storage: Storage, prefix: string): Promise<void> {
  for (const { key } of await Array.fromAsync(storage.list(prefix))) await storage.delete(key);
}

export function isProblem(code: Problem["code"]): (error: unknown) => boolean {
  return (error) => error instanceof Problem && error.code === code;
}

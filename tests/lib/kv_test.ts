import assert from "node:assert/strict";
import { z } from "@hono/zod-openapi";
import { Problem } from "../../lib/errors.ts";
import { createDatabase, table } from "../../lib/kv.ts";

const notes = table("notes", z.string(), ["tenant", "note"], { exported: true });
const counters = table("counters", z.instanceof(Deno.KvU64), ["name"]);

async function withDatabase(test: (db: ReturnType<typeof createDatabase>) => Promise<void>) {
  const db = createDatabase(await Deno.openKv(":memory:"));
  try {
    await test(db);
  } finally {
    db.close();
  }
}

Deno.test("table() builds keys and prefixes from its parts", () => {
  assert.deepEqual(notes.key("t", "n"), ["notes", "t", "n"]);
  assert.deepEqual(notes.prefix("t"), ["notes", "t"]);
});

Deno.test("transact() sees its own writes and deletions", () =>
  withDatabase(async (db) => {
    await db.transact(async (tx) => {
      tx.set(notes.key("t", "a"), "one");
      assert.equal(await tx.get(notes.key("t", "a")), "one");
      tx.delete(notes.key("t", "a"));
      assert.equal(await tx.get(notes.key("t", "a")), null);
    });
    assert.equal(await db.get(notes.key("t", "a")), null);
  }));

Deno.test("transact() builds again when an entry that it read has moved", () =>
  withDatabase(async (db) => {
    let builds = 0;
    await db.transact(async (tx) => {
      const before = await tx.get(notes.key("t", "a"));
      if (++builds === 1) await db.kv.set(notes.key("t", "a"), "theirs");
      tx.set(notes.key("t", "a"), `${before ?? "nothing"} and mine`);
    });
    assert.equal(builds, 2);
    assert.equal(await db.get(notes.key("t", "a")), "theirs and mine");
  }));

Deno.test("transact() gives up with a 503 when others always write first", () =>
  withDatabase(async (db) => {
    let builds = 0;
    const attempt = db.transact(async (tx) => {
      await tx.get(notes.key("t", "a"));
      await db.kv.set(notes.key("t", "a"), String(++builds));
      tx.set(notes.key("t", "a"), "mine");
    });
    await assert.rejects(attempt, (error) => error instanceof Problem && error.status === 503);
    assert.equal(builds, 20);
  }));

Deno.test("transact() runs effects once, and only after the commit", () =>
  withDatabase(async (db) => {
    let effects = 0;
    let builds = 0;
    await db.transact(async (tx) => {
      await tx.get(notes.key("t", "a"));
      if (++builds === 1) await db.kv.set(notes.key("t", "a"), "theirs");
      tx.set(notes.key("t", "a"), "mine");
      tx.afterCommit(() => void effects++);
      assert.equal(effects, 0);
    });
    assert.equal(effects, 1);
  }));

Deno.test("transact() writes nothing when the build throws", () =>
  withDatabase(async (db) => {
    const attempt = db.transact((tx) => {
      tx.set(notes.key("t", "a"), "half");
      throw new Problem("conflict", "No");
    });
    await assert.rejects(attempt, Problem);
    assert.equal(await db.get(notes.key("t", "a")), null);
  }));

Deno.test("sum() adds and subtracts", () =>
  withDatabase(async (db) => {
    await db.transact((tx) => tx.sum(counters.key("n"), 5));
    await db.transact((tx) => tx.sum(counters.key("n"), -3));
    assert.equal((await db.get(counters.key("n")))?.value, 2n);
  }));

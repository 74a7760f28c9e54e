import assert from "node:assert/strict";
import { z } from "zod";
import { createIds } from "../../lib/clock.ts";
import { createDatabase, type Database, table } from "../../lib/kv.ts";
import { purgeOlder, purgeUntil } from "../../lib/retention.ts";

const DAY = 24 * 60 * 60 * 1000;
const notes = table("notes", z.object({ n: z.number(), at: z.number() }), ["tenant", "note"], {
  exported: true,
});
const days = table("days", z.number(), ["tenant", "day", "figure"], { exported: true });
const count = table("count", z.number(), ["tenant"], { exported: true });

/** One note a day for `total` days, and their count; the last one is of today. */
async function withNotes(total: number, test: (db: Database, now: number) => Promise<void>) {
  const db = createDatabase(await Deno.openKv(":memory:"));
  let now = Date.parse("2026-05-01T10:00:00Z");
  const newId = createIds({ now: () => now, after: () => () => {} });
  try {
    for (let n = 0; n < total; n++) {
      for (const tenant of ["a", "b"]) {
        await db.transact((tx) => tx.set(notes.key(tenant, newId()), { n, at: now }));
      }
      if (n < total - 1) now += DAY;
    }
    await db.transact((tx) => ["a", "b"].forEach((tenant) => tx.set(count.key(tenant), total)));
    await test(db, now);
  } finally {
    db.close();
  }
}

async function left(db: Database, tenant: string): Promise<number[]> {
  const entries = db.list<{ n: number }>({ prefix: notes.prefix(tenant) });
  return (await Array.fromAsync(entries)).map(({ value }) => value.n);
}

Deno.test("purgeOlder() deletes what is older to the ms, of one tenant, in many transactions", () =>
  withNotes(100, async (db, now) => {
    const before = db.commits;
    assert.equal(await purgeOlder(db, notes, "a", now - 10 * DAY), 89);
    assert.deepEqual(await left(db, "a"), [89, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
    assert.equal((await left(db, "b")).length, 100);
    assert.equal(db.commits - before, 3, "89 notes in batches of 30");
    assert.equal(await purgeOlder(db, notes, "a", now - 10 * DAY), 0);
    assert.equal(db.commits - before, 3, "what has nothing to do writes nothing");
    assert.equal(await purgeOlder(db, notes, "a", now - 10 * DAY + 1), 1);
  }));

Deno.test("purgeOlder() counts along, whatever others write and wherever it is interrupted", () =>
  withNotes(100, async (db, now) => {
    let commits = 0;
    const along = async (tx: Parameters<Parameters<Database["transact"]>[0]>[0]) => {
      if (++commits === 70) throw new Error("crash");
      tx.set(count.key("a"), (await tx.get(count.key("a")) ?? 0) - 1);
    };
    await assert.rejects(purgeOlder(db, notes, "a", now, { along }), { message: "crash" });
    assert.equal(await db.get(count.key("a")), (await left(db, "a")).length);
    const others = db.transact(async (tx) => {
      tx.set(count.key("a"), (await tx.get(count.key("a")) ?? 0) + 1);
      tx.set(notes.key("a", "ffff"), { n: 999, at: now });
    });
    await Promise.all([purgeOlder(db, notes, "a", now, { along }), others]);
    assert.deepEqual(await left(db, "a"), [99, 999]);
    assert.equal(await db.get(count.key("a")), 2);
  }));

Deno.test("purgeOlder() spares what is not due for another reason, and goes past it", () =>
  withNotes(100, async (db, now) => {
    const isDue = ({ n }: { n: number }) => n >= 50;
    assert.equal(await purgeOlder(db, notes, "a", now, { isDue }), 49);
    assert.equal((await left(db, "a")).length, 51);
  }));

Deno.test("purgeUntil() deletes days", () =>
  withNotes(1, async (db) => {
    await db.transact((tx) => {
      for (const day of ["2025-12-31", "2026-01-01", "2026-01-02"]) {
        for (const figure of ["calls", "errors"]) tx.set(days.key("a", day, figure), 1);
      }
    });
    assert.equal(await purgeUntil(db, days, "a", "2026-01-02"), 4);
    const entries = await Array.fromAsync(db.list({ prefix: days.prefix("a") }));
    assert.deepEqual(entries.map(({ key }) => key[2]), ["2026-01-02", "2026-01-02"]);
  }));

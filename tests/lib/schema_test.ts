import assert from "node:assert/strict";
import { ConfigError } from "../../lib/config.ts";
import { createDatabase, type Database } from "../../lib/kv.ts";
import { migrate, type Migration } from "../../lib/schema.ts";
import { tables } from "../../lib/tables.ts";

const RECORDS = 950;
const BATCH = 100;

type Note = { text: string; words?: number };

/** Two changes of made-up records: one adds to each, one is short. */
function sequence(onBatch: () => void = () => {}): Migration[] {
  return [
    {
      version: 2,
      name: "count words",
      async batch(tx, db, from) {
        const start = ["notes", from];
        const page = await Array.fromAsync(
          db.list<Note>({ start, end: ["notes", "\uffff"] }, { limit: BATCH }),
        );
        for (const { key, value } of page) {
          tx.set(key, { ...value, words: (value.words ?? 0) + value.text.split(" ").length });
        }
        onBatch();
        return page.length < BATCH ? null : `${String(page.at(-1)?.key[1])}\0`;
      },
    },
    {
      version: 3,
      name: "note that it was done",
      batch(tx) {
        tx.set(["noted"], true);
        return Promise.resolve(null);
      },
    },
  ];
}

async function oldDatabase(): Promise<Database> {
  const db = createDatabase(await Deno.openKv(":memory:"));
  await db.kv.set(tables.firstTenant.key(), crypto.randomUUID());
  for (let n = 0; n < RECORDS; n++) {
    await db.kv.set(["notes", String(n).padStart(4, "0")], { text: "one two three" });
  }
  return db;
}

async function wordCounts(db: Database): Promise<Set<number | undefined>> {
  const notes = await Array.fromAsync(db.list<Note>({ prefix: ["notes"] }));
  assert.equal(notes.length, RECORDS);
  return new Set(notes.map(({ value }) => value.words));
}

Deno.test("migrate() notes the newest version in a new database, and changes nothing", async () => {
  const db = createDatabase(await Deno.openKv(":memory:"));
  await migrate(db, sequence(() => assert.fail("nothing to migrate")));
  assert.deepEqual(await db.get(tables.schema.key()), { version: 3, from: "" });
  db.close();
});

Deno.test("migrate() goes on in mid-migration, and changes each record once", async () => {
  const db = await oldDatabase();
  let [batches, crashes] = [0, 0];
  const fragile = sequence(() => {
    // Dies before the commit of every third batch: what it wrote is lost with it.
    if (++batches % 3 === 0) throw new Error("killed");
  });
  for (;;) {
    try {
      await migrate(db, fragile);
      break;
    } catch (error) {
      assert.equal(error instanceof Error && error.message, "killed");
      crashes++;
    }
  }
  assert.ok(crashes >= 4, `${crashes} crashes`);
  assert.deepEqual(await wordCounts(db), new Set([3]));
  assert.deepEqual(await db.get(tables.schema.key()), { version: 3, from: "" });
  assert.equal((await db.kv.get(["noted"])).value, true);
  db.close();
});

Deno.test("migrate() in several processes at once changes each record once", async () => {
  const db = await oldDatabase();
  await Promise.all([1, 2, 3].map(() => migrate(db, sequence())));
  assert.deepEqual(await wordCounts(db), new Set([3]));
  db.close();
});

Deno.test("migrate() refuses the database of a newer program", async () => {
  const db = createDatabase(await Deno.openKv(":memory:"));
  await db.kv.set(tables.schema.key(), { version: 9, from: "" });
  await assert.rejects(
    migrate(db, sequence()),
    (error) =>
      error instanceof ConfigError && /newer Imago.*version 9.*knows 3/.test(error.message),
  );
  db.close();
});

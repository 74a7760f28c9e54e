import assert from "node:assert/strict";
import { createDatabase } from "../../lib/kv.ts";
import type { Job } from "../../lib/model/job.ts";
import { createQueueDoorbell } from "../../pipeline/doorbell.ts";
import { createManualClock, until } from "../helpers/clock.ts";

const job = { id: "0197a3f0-5c1e-7b3a-9d51-6f0e3a1b2c4d" } as Job;

Deno.test("the queue's bell is heard, and pokes at once in its own process", async () => {
  const db = createDatabase(await Deno.openKv(":memory:"));
  const doorbell = createQueueDoorbell(db, createManualClock());
  let pokes = 0;
  doorbell.listen(() => pokes++);
  await db.transact((tx) => doorbell.ring(tx, job));
  assert.equal(pokes, 1, "without waiting for the queue");
  await until(() => pokes === 2);
  db.close();
});

Deno.test("the queue's bell is rung once while it is on its way, and again when it was not heard", async () => {
  const db = createDatabase(await Deno.openKv(":memory:"));
  const clock = createManualClock();
  const doorbell = createQueueDoorbell(db, clock);
  const bells: unknown[] = [];
  for (let i = 0; i < 20; i++) await db.transact((tx) => doorbell.ring(tx, job));
  await clock.advance(5_001);
  await db.transact((tx) => doorbell.ring(tx, job));
  void db.kv.listenQueue((message) => void bells.push(message));
  await until(() => bells.length >= 2);
  assert.equal(bells.length, 2);
  db.close();
});

Deno.test("a message that is no bell pokes nobody and is not tried again", async () => {
  const db = createDatabase(await Deno.openKv(":memory:"));
  const doorbell = createQueueDoorbell(db, createManualClock());
  let pokes = 0;
  doorbell.listen(() => pokes++);
  for (const message of [null, "x", { job: 1 }, { job: "../../x" }]) await db.kv.enqueue(message);
  await db.kv.enqueue({ job: job.id });
  await until(() => pokes > 0);
  assert.equal(pokes, 1);
  db.close();
});

import assert from "node:assert/strict";
import { createTails, FellBehind } from "../../../lib/live/tails.ts";
import { tables } from "../../../lib/tables.ts";
import { startApp, type TestApp } from "../../helpers/app.ts";
import { until } from "../../helpers/clock.ts";

const DAY = 24 * 60 * 60 * 1000;

/** Writes so many items in one transaction. */
async function tell({ services: { db, feed }, tenant }: TestApp, count = 1) {
  await db.transact((tx) => {
    for (let i = 0; i < count; i++) feed.emit(tx, tenant.id, "event.created", { i });
  });
}

async function follow(app: TestApp, tails: ReturnType<typeof createTails>, after: string | null) {
  const ended = new AbortController();
  const items = await tails.follow(app.tenant.id, after, ended.signal);
  return { items: items[Symbol.asyncIterator](), end: () => ended.abort() };
}

Deno.test("createTails() reads the log once for all who follow it", async () => {
  await using app = await startApp();
  const { feed, clock } = app.services;
  let reads = 0;
  const counted = {
    ...feed,
    after: (...of: Parameters<typeof feed.after>) => (reads++, feed.after(...of)),
  };
  const tails = createTails({ feed: counted, clock });
  const readers = await Promise.all(Array.from({ length: 50 }, () => follow(app, tails, null)));
  assert.equal(tails.count(), 1);
  await tell(app);
  const seen = await Promise.all(readers.map(({ items }) => items.next()));
  assert.equal(new Set(seen.map(({ value }) => value.id)).size, 1);
  assert.ok(reads < 5, `${reads} reads`);
  readers.forEach(({ end }) => end());
  await until(() => tails.count() === 0);
});

Deno.test("createTails() gives a reader who waits long everything, from the log where it must", async () => {
  await using app = await startApp();
  const tails = createTails(app.services);
  const { items, end } = await follow(app, tails, null);
  const seen: unknown[] = [];
  const take = async () => seen.push((await items.next()).value?.data.i);
  await tell(app);
  await take();
  for (let batch = 0; batch < 3; batch++) await tell(app, 300);
  for (let i = 0; i < 900; i++) await take();
  const batch = Array.from({ length: 300 }, (_, i) => i);
  assert.deepEqual(seen, [0, ...batch, ...batch, ...batch]);
  end();
});

Deno.test("createTails() fails a reader whose place has left the log", async () => {
  await using app = await startApp();
  const { feed, db } = app.services;
  let late = 0;
  const clock = { ...app.clock, now: () => app.clock.now() + late };
  const tails = createTails({ feed, clock });
  const { items, end } = await follow(app, tails, null);
  await tell(app);
  const { value } = await items.next();
  await tell(app, 1);
  await items.next();
  const other = await follow(app, tails, value.id);
  await other.items.next();
  await tell(app, 300);
  for (let i = 0; i < 300; i++) await items.next();
  late = 2 * DAY;
  for await (const { key } of db.list({ prefix: tables.feed.prefix(app.tenant.id) })) {
    await db.transact((tx) => tx.delete(key));
  }
  await assert.rejects(async () => {
    for (;;) await other.items.next();
  }, FellBehind);
  end();
  other.end();
});

Deno.test("createTails() lets all readers come to an end when it is closed", async () => {
  await using app = await startApp();
  const tails = createTails(app.services);
  const readers = await Promise.all([follow(app, tails, null), follow(app, tails, null)]);
  const waiting = readers.map(({ items }) => items.next());
  tails.close();
  for (const { done } of await Promise.all(waiting)) assert.equal(done, true);
  readers.forEach(({ end }) => end());
});

Deno.test("createTails() fails all readers when the log cannot be read any more", async () => {
  await using app = await startApp();
  const { feed, clock } = app.services;
  const broken = { ...feed, after: () => Promise.reject(new Error("the disk is gone")) };
  const tails = createTails({ feed: broken, clock });
  const { items, end } = await follow(app, tails, null);
  await assert.rejects(items.next(), /the disk is gone/);
  end();
});

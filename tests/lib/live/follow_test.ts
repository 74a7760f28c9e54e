import assert from "node:assert/strict";
import type { FeedItem } from "../../../lib/model/feed.ts";
import { startApp, type TestApp } from "../../helpers/app.ts";

const tell = (app: TestApp, tenant: string, type: string) =>
  app.services.db.transact((tx) => app.services.feed.emit(tx, tenant, type, {}));

/** A reader of the tenant `t`. */
async function follow({ services }: TestApp, after: string | null, signal: AbortSignal) {
  return (await services.tails.follow("t", after, signal))[Symbol.asyncIterator]();
}

/** The next `count` items of a reader. */
async function read(reader: AsyncIterator<FeedItem>, count: number): Promise<FeedItem[]> {
  const items: FeedItem[] = [];
  while (items.length < count) items.push((await reader.next()).value!);
  return items;
}

const types = (items: FeedItem[]) => items.map(({ type }) => type);

Deno.test("follow() tells what happens from now on, each item once and in order", async () => {
  await using app = await startApp({ steps: [] });
  const stop = new AbortController();
  await tell(app, "t", "before");
  const reader = await follow(app, null, stop.signal);
  await tell(app, "t", "one");
  assert.deepEqual(types(await read(reader, 1)), ["one"]);
  await tell(app, "other", "of another tenant");
  await tell(app, "t", "two");
  await tell(app, "t", "three");
  assert.deepEqual(types(await read(reader, 2)), ["two", "three"]);
  stop.abort();
});

Deno.test("follow() goes on behind an item without a gap, also one committed out of order", async () => {
  await using app = await startApp({ steps: [] });
  const { db, feed } = app.services;
  const stop = new AbortController();
  // The first to get an id is the last to commit.
  let commitLate = () => {};
  let begun = () => {};
  const hasId = new Promise<void>((resolve) => begun = resolve);
  const late = db.transact(async (tx) => {
    feed.emit(tx, "t", "late", {});
    begun();
    await new Promise<void>((resolve) => commitLate = resolve);
  });
  await hasId;
  await tell(app, "t", "early");
  const [early] = await all(app, "t");
  commitLate();
  await late;
  const reader = await follow(app, early!.id, stop.signal);
  assert.deepEqual(types(await read(reader, 1)), ["late"]);
  stop.abort();
});

Deno.test("follow() catches up with more than one batch, missing and repeating nothing", async () => {
  await using app = await startApp({ steps: [] });
  const { db, feed } = app.services;
  await tell(app, "t", "start");
  const [start] = await all(app, "t");
  for (let block = 0; block < 5; block++) {
    await db.transact((tx) => {
      for (let i = 0; i < 500; i++) feed.emit(tx, "t", `${block}/${i}`, {});
    });
    await app.clock.advance(1_000);
  }
  const stop = new AbortController();
  const items = await read(await follow(app, start!.id, stop.signal), 2_500);
  assert.equal(new Set(types(items)).size, 2_500);
  stop.abort();
});

Deno.test("follow() begins with a reset when the place is no longer in the log", async () => {
  await using app = await startApp({ steps: [] });
  const stop = new AbortController();
  const reader = await follow(app, crypto.randomUUID(), stop.signal);
  assert.deepEqual(types(await read(reader, 1)), ["reset"]);
  stop.abort();
});

async function all(app: TestApp, tenant: string): Promise<FeedItem[]> {
  const items: FeedItem[] = [];
  for await (const { value } of app.services.db.list<FeedItem>({ prefix: ["feed", tenant] })) {
    items.push(value);
  }
  return items;
}

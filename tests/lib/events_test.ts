import assert from "node:assert/strict";
import { createIds } from "../../lib/clock.ts";
import { createEvents, type Events } from "../../lib/events.ts";
import { createFeed } from "../../lib/feed.ts";
import {
  type EventFilter,
  type EventRow,
  EventSeverity,
  EventType,
  NewEvent,
} from "../../lib/model/event.ts";
import { tables } from "../../lib/tables.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { rank, seeded } from "../helpers/album.ts";
import { png } from "../helpers/pictures.ts";
import { recountEvents } from "../helpers/recount_events.ts";

const CAMERAS: string[] = Array.from({ length: 3 }, () => crypto.randomUUID());
const DAY = 24 * 60 * 60 * 1000;

/** The events of an app in which the above are cameras of every tenant. */
function eventsOf({ services }: TestApp): Events {
  const newId = createIds(services.clock);
  return createEvents({
    ...services,
    newId,
    feed: createFeed({ ...services, newId }),
    cameraExists: (_tx, _tenant, id) => Promise.resolve(CAMERAS.includes(id)),
  });
}

const anEvent = (given: Partial<NewEvent> = {}) => NewEvent.parse({ type: "person", ...given });

async function allOf(events: Events, tenant: string, filter: EventFilter, limit: number) {
  const found: EventRow[] = [];
  let before: string | undefined;
  do {
    const { items, next } = await events.list(tenant, filter, limit, before);
    assert.ok(items.length <= limit);
    found.push(...items);
    before = next ?? undefined;
  } while (before);
  return found;
}

function isMeant(row: EventRow, filter: EventFilter): boolean {
  const at = Date.parse(row.occurred_at);
  return (filter.camera_id ?? row.camera_id) === row.camera_id &&
    (filter.type ?? row.type) === row.type &&
    (filter.severity ?? row.severity) === row.severity &&
    (filter.acknowledged ?? row.acknowledged) === row.acknowledged &&
    at >= (filter.from ?? 0) && at <= (filter.to ?? Infinity);
}

Deno.test("list() gives what each filter, and any of them together, means, by when it occurred", async () => {
  await using app = await startApp();
  const events = eventsOf(app);
  const random = seeded(3);
  const some = <T>(options: readonly T[]) => options[rank(random, options.length)]!;
  const moment = () => app.clock.now() - Math.floor(random() * 10 * DAY);
  const rows: EventRow[] = [];
  for (let i = 0; i < 300; i++) {
    const input = anEvent({
      camera_id: random() < 0.2 ? null : some(CAMERAS),
      type: some(EventType.options),
      severity: some(EventSeverity.options),
      occurred_at: random() < 0.1 ? undefined : new Date(moment()).toISOString(),
    });
    const { id } = await events.create(app.tenant.id, input);
    if (random() < 0.3) await events.acknowledge(app.tenant.id, id, "user:a");
    rows.push(await events.get(app.tenant.id, id));
  }
  const byTime = rows.toSorted((a, b) => a.id < b.id ? 1 : -1);
  for (const [a, b] of byTime.slice(1).map((row, at) => [byTime[at]!, row] as const)) {
    assert.ok(a.occurred_at >= b.occurred_at);
  }
  for (let i = 0; i < 150; i++) {
    const filter: EventFilter = {
      ...(random() < 0.4 && { camera_id: some(CAMERAS) }),
      ...(random() < 0.4 && { type: some(EventType.options) }),
      ...(random() < 0.4 && { severity: some(EventSeverity.options) }),
      ...(random() < 0.4 && { acknowledged: random() < 0.5 }),
      ...(random() < 0.3 && { from: moment() }),
      ...(random() < 0.3 && { to: moment() }),
    };
    const found = await allOf(events, app.tenant.id, filter, 1 + Math.floor(random() * 60));
    const expected = byTime.filter((row) => isMeant(row, filter));
    assert.deepEqual(found, expected, JSON.stringify(filter));
  }
});

Deno.test("stats() equals a recount, through changes, deletions and writers side by side", async () => {
  await using app = await startApp();
  const events = eventsOf(app);
  const random = seeded(4);
  const some = <T>(options: readonly T[]) => options[Math.floor(random() * options.length)]!;
  const tenant = app.tenant.id;
  const live: string[] = [];
  const act = async () => {
    const id = some(live);
    const what = random();
    if (!id || what < 0.5) {
      const occurred_at = new Date(app.clock.now() - random() * 3 * DAY).toISOString();
      const input = anEvent({ camera_id: some(CAMERAS), type: some(EventType.options) });
      live.push((await events.create(tenant, { ...input, occurred_at })).id);
    } else if (what < 0.8) {
      const patch = { severity: some(EventSeverity.options), acknowledged: random() < 0.5 };
      await events.patch(tenant, id, patch, "user:a");
    } else {
      live.splice(live.indexOf(id), 1);
      await events.remove(tenant, id);
    }
  };
  for (let round = 0; round < 40; round++) {
    await Promise.allSettled(Array.from({ length: 5 }, act));
  }
  assert.deepEqual(await recountEvents(app.services.db), []);
  const stats = await events.stats(tenant, 5);
  const rows = await allOf(events, tenant, {}, 200);
  assert.ok(rows.length > 20);
  assert.equal(stats.total, rows.length);
  assert.equal(stats.unacknowledged, rows.filter(({ acknowledged }) => !acknowledged).length);
  for (const type of EventType.options) {
    assert.equal(stats.by_type[type], rows.filter((row) => row.type === type).length);
  }
  for (const { camera_id, count } of stats.by_camera) {
    assert.equal(count, rows.filter((row) => row.camera_id === camera_id).length);
  }
  assert.equal(stats.days.length, 5);
  assert.equal(stats.days.at(-1)!.date, "2026-05-01");
  assert.equal(stats.days.reduce((sum, { count }) => sum + count, 0), rows.length);
  for (const id of live) await events.remove(tenant, id);
  assert.equal((await events.stats(tenant, 1)).total, 0);
  assert.deepEqual((await events.stats(tenant, 1)).by_camera, []);
});

Deno.test("acknowledge() names the first of twenty at once, and tells it once", async () => {
  await using app = await startApp();
  const events = eventsOf(app);
  const { id } = await events.create(app.tenant.id, anEvent());
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => events.acknowledge(app.tenant.id, id, `user:${n}`)),
  );
  const row = await events.get(app.tenant.id, id);
  assert.match(row.acknowledged_by ?? "", /^user:\d+$/);
  assert.equal(row.acknowledged_at, "2026-05-01T10:00:00.000Z");
  for (const answer of answers) assert.deepEqual(answer, row);
  const items = app.services.db.list<{ type: string }>({
    prefix: tables.feed.prefix(app.tenant.id),
  });
  const types = (await Array.fromAsync(items)).map(({ value }) => value.type);
  assert.deepEqual(types, ["event.created", "event.acknowledged"]);
});

Deno.test("patch() takes an acknowledgement back, and writes nothing where nothing changes", async () => {
  await using app = await startApp();
  const events = eventsOf(app);
  const { id } = await events.create(app.tenant.id, anEvent());
  await events.acknowledge(app.tenant.id, id, "user:a");
  const open = await events.patch(app.tenant.id, id, { acknowledged: false }, "user:b");
  assert.deepEqual([open.acknowledged, open.acknowledged_by, open.acknowledged_at], [
    ...[false, null, null],
  ]);
  const same = await events.patch(app.tenant.id, id, { acknowledged: false, notes: "" }, "user:b");
  assert.equal(same.version, open.version);
});

Deno.test("create() refuses cameras and images that are not the tenant's, and times that cannot be", async () => {
  await using app = await startApp();
  const events = eventsOf(app);
  const other = await app.asTenant();
  const { id } = await (await app.upload(png(), "a.png", other.key)).json();
  const refused: Partial<NewEvent>[] = [
    { camera_id: crypto.randomUUID() },
    { image_id: id },
    { occurred_at: new Date(app.clock.now() + DAY).toISOString() },
    { occurred_at: "1969-12-31T23:59:59Z" },
  ];
  for (const given of refused) {
    await assert.rejects(events.create(app.tenant.id, anEvent(given)), { code: "invalid_content" });
  }
  await assert.rejects(events.create(crypto.randomUUID(), anEvent()), { code: "unauthorized" });
  assert.equal((await events.stats(app.tenant.id, 1)).total, 0);
});

Deno.test("remove() takes a camera's frame with its last event, and no picture that was uploaded", async () => {
  await using app = await startApp({ steps: [] });
  const events = eventsOf(app);
  const { images } = app.services;
  const body = () => new Response(png()).body!;
  const camera_id = CAMERAS[0]!;
  const frame = await images.add(app.tenant, { name: "f.png", body: body(), cameraId: camera_id });
  const upload = await images.add(app.tenant, { name: "u.png", body: body() });
  const [a, b, c] = await Promise.all(
    [frame, frame, upload].map(({ id }) =>
      events.create(app.tenant.id, anEvent({ camera_id, image_id: id }))
    ),
  );
  await events.remove(app.tenant.id, a!.id);
  assert.equal((await images.get(app.tenant.id, frame.id)).id, frame.id);
  assert.equal(await events.holds(app.tenant.id, frame.id), true);
  await events.remove(app.tenant.id, b!.id);
  await assert.rejects(images.get(app.tenant.id, frame.id), { code: "not_found" });
  await events.remove(app.tenant.id, c!.id);
  assert.equal((await images.get(app.tenant.id, upload.id)).id, upload.id);
});

Deno.test("purge() takes the events of before a moment, with all that finds and counts them", async () => {
  await using app = await startApp();
  const events = eventsOf(app);
  const at = (days: number) => new Date(app.clock.now() - days * DAY).toISOString();
  const days = [0, 1, 29.9, 30, 30.1, 400];
  for (const ago of days) await events.create(app.tenant.id, anEvent({ occurred_at: at(ago) }));
  assert.equal(await events.purge(app.tenant.id, app.clock.now() - 30 * DAY), 2);
  const left = await allOf(events, app.tenant.id, {}, 50);
  assert.deepEqual(left.map(({ occurred_at }) => occurred_at), [0, 1, 29.9, 30].map(at));
  assert.deepEqual(await recountEvents(app.services.db), []);
});

import assert from "node:assert/strict";
import type { Event } from "../../lib/model/event.ts";
import type { FeedItem } from "../../lib/model/feed.ts";
import { tables } from "../../lib/tables.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { png } from "../helpers/pictures.ts";

const send = (
  { request }: Pick<TestApp, "request">,
  method: string,
  path = "",
  body?: unknown,
  headers: Record<string, string> = {},
) =>
  request(`/api/events${path}`, {
    method,
    headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

const made = async (app: TestApp, body: Record<string, unknown>): Promise<Event> =>
  await (await send(app, "POST", "", body)).json();

async function told({ services, tenant }: TestApp): Promise<FeedItem[]> {
  const items = services.db.list<FeedItem>({ prefix: tables.feed.prefix(tenant.id) });
  return (await Array.fromAsync(items)).map(({ value }) => value);
}

Deno.test("POST /api/events keeps what it was told, and fills in the rest", async () => {
  await using app = await startApp({ steps: [] });
  const { id: image_id } = await (await app.upload(png())).json();
  const body = {
    type: "intrusion",
    severity: "high",
    description: "Somebody at the gate",
    box: { x: 0.1, y: 0.2, width: 0.3, height: 0.4 },
    confidence: 0.87,
    image_id,
    occurred_at: "2026-05-01T11:59:00+02:00",
  };
  const answer = await send(app, "POST", "", body);
  assert.equal(answer.status, 201);
  const event: Event = await answer.json();
  assert.equal(answer.headers.get("Location"), `/api/events/${event.id}`);
  assert.deepEqual(event, {
    ...body,
    id: event.id,
    camera_id: null,
    notes: "",
    occurred_at: "2026-05-01T09:59:00.000Z",
    created_at: "2026-05-01T10:00:00.000Z",
    acknowledged: false,
    acknowledged_by: null,
    acknowledged_at: null,
  });
  const bare = await made(app, { type: "other" });
  assert.deepEqual([bare.severity, bare.occurred_at], ["medium", "2026-05-01T10:00:00.000Z"]);
  assert.deepEqual(await (await send(app, "GET", `/${event.id}`)).json(), event);
  const [, created] = await told(app);
  assert.deepEqual([created?.type, created?.data], ["event.created", event]);
});

Deno.test("POST /api/events refuses what is no event, and repeats with an Idempotency-Key", async () => {
  await using app = await startApp();
  const wrong = [
    {},
    { type: "ghost" },
    { type: "fall", severity: "huge" },
    { type: "fall", confidence: 87 },
    { type: "fall", box: { x: 0.9, y: 0, width: 0.2, height: 1 } },
    { type: "fall", camera_id: "front door" },
    { type: "fall", camera_id: crypto.randomUUID() },
    { type: "fall", image_id: crypto.randomUUID() },
    { type: "fall", occurred_at: "yesterday" },
    { type: "fall", notes: "x".repeat(4_001) },
    { type: "fall", acknowledged: true },
  ];
  for (const body of wrong) {
    assert.equal((await send(app, "POST", "", body)).status, 422, JSON.stringify(body));
  }
  const once = { "Idempotency-Key": "fall-1" };
  const answers = [];
  for (let i = 0; i < 2; i++) {
    answers.push(await (await send(app, "POST", "", { type: "fall" }, once)).json());
  }
  assert.deepEqual(answers[0], answers[1]);
  const { items } = await (await send(app, "GET")).json();
  assert.equal(items.length, 1);
});

Deno.test("PATCH and acknowledge tell by whom and when, and mind If-Match", async () => {
  await using app = await startApp();
  const { id } = await made(app, { type: "person" });
  const read = await send(app, "GET", `/${id}`);
  const etag = read.headers.get("ETag")!;
  const known = await send(app, "GET", `/${id}`, undefined, { "If-None-Match": etag });
  assert.equal(known.status, 304);
  const me = await (await app.request("/auth/me")).json();

  const noted = await send(app, "PATCH", `/${id}`, { notes: "The postman", severity: "low" }, {
    "If-Match": etag,
  });
  assert.equal(noted.status, 200);
  assert.notEqual(noted.headers.get("ETag"), etag);
  const late = await send(app, "PATCH", `/${id}`, { notes: "?" }, { "If-Match": etag });
  assert.equal(late.status, 412);
  assert.equal((await send(app, "DELETE", `/${id}`, undefined, { "If-Match": etag })).status, 412);

  await app.clock.advance(1_000);
  const first = await send(app, "POST", `/${id}/acknowledge`);
  await app.clock.advance(1_000);
  const again = await send(app, "POST", `/${id}/acknowledge`);
  assert.deepEqual([first.status, again.status], [200, 200]);
  const event: Event = await first.json();
  assert.deepEqual(await again.json(), event);
  assert.deepEqual(
    [event.notes, event.severity, event.acknowledged, event.acknowledged_by, event.acknowledged_at],
    ["The postman", "low", true, me.subject, "2026-05-01T10:00:01.000Z"],
  );

  assert.equal((await send(app, "PATCH", `/${id}`, { camera_id: id })).status, 422);
  assert.equal((await send(app, "DELETE", `/${id}`)).status, 204);
  assert.equal((await send(app, "GET", `/${id}`)).status, 404);
  const types = (await told(app)).map(({ type }) => type);
  assert.deepEqual(types, [
    ...["event.created", "event.updated", "event.acknowledged", "event.deleted"],
  ]);
});

Deno.test("GET /api/events pages through each filter, and binds the cursor to it", async () => {
  await using app = await startApp();
  for (let i = 0; i < 6; i++) {
    const occurred_at = `2026-04-${String(20 + i)}T12:00:00Z`;
    const { id } = await made(app, { type: i % 2 ? "fall" : "motion", occurred_at });
    if (i > 3) await send(app, "POST", `/${id}/acknowledge`);
  }
  const walk = async (query: string) => {
    const days: string[] = [];
    for (let path: string | undefined = `/api/events?limit=2${query}`; path;) {
      const response: Response = await app.request(path);
      const { items } = await response.json();
      days.push(...items.map(({ occurred_at }: Event) => occurred_at.slice(8, 10)));
      path = response.headers.get("Link")?.match(/<(.+)>; rel="next"/)?.[1];
    }
    return days.join(" ");
  };
  assert.equal(await walk(""), "25 24 23 22 21 20");
  assert.equal(await walk("&type=fall"), "25 23 21");
  assert.equal(await walk("&acknowledged=true"), "25 24");
  assert.equal(await walk("&type=fall&acknowledged=false"), "23 21");
  assert.equal(await walk("&from=2026-04-22&to=2026-04-24"), "24 23 22");
  assert.equal(await walk("&from=2026-04-24&to=2026-04-22"), "");
  assert.equal(await walk(`&camera_id=${crypto.randomUUID()}`), "");
  assert.equal((await send(app, "GET", "?type=ghost")).status, 422);
  assert.equal((await send(app, "GET", "?limit=0")).status, 422);
  const { next_cursor } = await (await send(app, "GET", "?limit=2")).json();
  assert.equal((await send(app, "GET", `?type=fall&cursor=${next_cursor}`)).status, 400);
});

Deno.test("GET /api/events/stats counts the tenant's own, the last days one by one", async () => {
  await using app = await startApp();
  const other = await app.asTenant();
  await made(app, { type: "person", severity: "critical" });
  await made(app, { type: "person", occurred_at: "2026-04-30T23:59:59.999Z" });
  await send(other, "POST", "", { type: "fall" });
  const stats = await (await send(app, "GET", "/stats?days=3")).json();
  assert.deepEqual(stats, {
    total: 2,
    unacknowledged: 2,
    by_type: { person: 2, vehicle: 0, intrusion: 0, fall: 0, motion: 0, other: 0 },
    by_severity: { low: 0, medium: 1, high: 0, critical: 1 },
    by_camera: [],
    days: [
      { date: "2026-04-29", count: 0 },
      { date: "2026-04-30", count: 1 },
      { date: "2026-05-01", count: 1 },
    ],
  });
  assert.equal((await send(app, "GET", "/stats?days=91")).status, 422);
});

Deno.test("events are kept for EVENT_RETENTION_DAYS after they occurred", async () => {
  await using app = await startApp({ env: { EVENT_RETENTION_DAYS: "30" } });
  await made(app, { type: "fall", occurred_at: "2026-04-20T10:00:00Z" });
  const { id } = await made(app, { type: "fall" });
  const left = async () => (await (await send(app, "GET")).json()).items.length;
  await app.clock.advance(19 * 24 * 60 * 60 * 1000);
  await app.worker.retention.sweep();
  assert.equal(await left(), 2);
  await app.clock.advance(2 * 24 * 60 * 60 * 1000);
  await app.worker.retention.sweep();
  assert.equal(await left(), 1);
  assert.equal((await send(app, "GET", `/${id}`)).status, 200);
});

import assert from "node:assert/strict";
import type { Camera } from "../../lib/model/camera.ts";
import type { FeedItem } from "../../lib/model/feed.ts";
import { tables } from "../../lib/tables.ts";
import { startApp, type TestApp } from "../helpers/app.ts";

const LOCAL = { FETCH_ALLOWED_NETS: "127.0.0.1/32" };
const URL_WITH_SECRETS = "http://viewer:open-sesame@127.0.0.1:9/shot.jpg?pwd=open-sesame&size=1";

const send = (
  { request }: Pick<TestApp, "request">,
  method: string,
  path = "",
  body?: unknown,
  headers: Record<string, string> = {},
) =>
  request(`/api/cameras${path}`, {
    method,
    headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

const made = async (app: TestApp, body: Record<string, unknown> = {}): Promise<Camera> =>
  await (await send(app, "POST", "", { name: "Gate", url: URL_WITH_SECRETS, ...body })).json();

async function told({ services, tenant }: TestApp): Promise<string[]> {
  const items = services.db.list<FeedItem>({ prefix: tables.feed.prefix(tenant.id) });
  return (await Array.fromAsync(items)).map(({ value }) => value.type);
}

Deno.test("POST /api/cameras keeps what it was told, masks the address, and fills in the rest", async () => {
  await using app = await startApp({ env: LOCAL });
  const answer = await send(app, "POST", "", { name: "Gate", url: URL_WITH_SECRETS });
  assert.equal(answer.status, 201);
  const camera: Camera = await answer.json();
  assert.equal(answer.headers.get("Location"), `/api/cameras/${camera.id}`);
  assert.deepEqual(camera, {
    id: camera.id,
    name: "Gate",
    url: "http://***:***@127.0.0.1:9/shot.jpg?pwd=***&size=1",
    location: "",
    fps: 2,
    motion: { enabled: true, min_area: 0.005, cooldown_s: 10, zones: [] },
    detect: "none",
    keep_every_s: null,
    rules: [],
    status: "inactive",
    status_since: "2026-05-01T10:00:00.000Z",
    error: null,
    created_at: "2026-05-01T10:00:00.000Z",
    updated_at: "2026-05-01T10:00:00.000Z",
  });
  assert.deepEqual(await (await send(app, "GET", `/${camera.id}`)).json(), camera);
  const { items } = await (await send(app, "GET")).json();
  assert.deepEqual(items, [camera]);
});

Deno.test("a camera from before they could see is read, changed and claimed with what a new one has", async () => {
  await using app = await startApp({ env: LOCAL });
  const { db, cameras, cameraWatches } = app.services;
  const camera = await made(app);
  const { motion: _, detect: __, keep_every_s: ___, rules: ____, ...old } =
    (await cameras.get(app.tenant.id, camera.id)).row;
  await db.kv.set(tables.cameras.key(app.tenant.id, camera.id), old);
  assert.deepEqual(await (await send(app, "GET", `/${camera.id}`)).json(), camera);
  assert.deepEqual((await (await send(app, "GET")).json()).items, [camera]);
  await send(app, "POST", `/${camera.id}/start`);
  const lease = { owner: "test", until_ms: app.clock.now() };
  const claimed = await cameraWatches.claim(app.tenant.id, camera.id, lease, () => true);
  assert.deepEqual(claimed?.motion, camera.motion);
  const answer = await send(app, "PUT", `/${camera.id}`, { motion: { min_area: 0.1 } });
  assert.deepEqual((await answer.json()).motion, { ...camera.motion, min_area: 0.1 });
});

Deno.test("a camera's password stands nowhere but sealed", async () => {
  await using app = await startApp({ env: LOCAL });
  const { id } = await made(app);
  const kept = await Array.fromAsync(app.services.db.list({ prefix: [] }));
  assert.ok(!JSON.stringify(kept.map(({ value }) => value)).includes("open-sesame"));
  const { row } = await app.services.cameras.get(app.tenant.id, id);
  assert.equal(await app.services.cameras.address(row), URL_WITH_SECRETS);
  const exported = await (await app.request("/privacy/export")).text();
  assert.ok(exported.includes("***:***@127.0.0.1"), "the camera is exported");
  assert.ok(!exported.includes(row.sealed_url), "without what opens it");
});

Deno.test("PUT /api/cameras/{id} changes what is given and keeps an address that comes back masked", async () => {
  await using app = await startApp({ env: LOCAL });
  const camera = await made(app);
  const changed = await (await send(app, "PUT", `/${camera.id}`, {
    url: camera.url,
    location: "Yard",
  })).json();
  assert.deepEqual([changed.location, changed.name], ["Yard", "Gate"]);
  const { cameras } = app.services;
  const address = async () => {
    const { row } = await cameras.get(app.tenant.id, camera.id);
    return await cameras.address(row);
  };
  assert.equal(await address(), URL_WITH_SECRETS);
  await send(app, "PUT", `/${camera.id}`, { url: "http://127.0.0.1:10/" });
  assert.equal(await address(), "http://127.0.0.1:10/", "another host does not get the password");
});

Deno.test("PUT /api/cameras/{id} refuses other settings than the caller knows, whatever it does", async () => {
  await using app = await startApp({ env: LOCAL });
  const { id } = await made(app);
  const known = (await send(app, "GET", `/${id}`)).headers.get("ETag")!;
  await send(app, "POST", `/${id}/start`);
  const tag = (await send(app, "GET", `/${id}`)).headers.get("ETag")!;
  assert.notEqual(tag, known, "a started camera shows otherwise");
  assert.equal((await send(app, "GET", `/${id}`, undefined, { "If-None-Match": tag })).status, 304);
  const put = (etag: string) => send(app, "PUT", `/${id}`, { name: "Door" }, { "If-Match": etag });
  assert.equal((await put(known)).status, 200, "its settings are the same");
  assert.equal((await put(known)).status, 412);
});

Deno.test("what a camera is to look for is changed part by part, and refused where it cannot be", async () => {
  await using app = await startApp({ env: LOCAL });
  const zones = [{ name: "gate", x: 0, y: 0.5, width: 0.5, height: 0.5 }];
  const rules = [{ labels: ["Person"], zone: "gate", type: "intrusion", severity: "high" }];
  const { id } = await made(app, { motion: { zones }, rules });
  const nameless = { x: 0, y: 0, width: 1, height: 0.1 };
  const many = { motion: { zones: [...zones, nameless, nameless] } };
  assert.equal((await send(app, "PUT", `/${id}`, many)).status, 200, "zones need no names");
  await send(app, "PUT", `/${id}`, { motion: { zones } });
  const changed = await (await send(app, "PUT", `/${id}`, { motion: { cooldown_s: 60 } })).json();
  assert.deepEqual(changed.motion, { enabled: true, min_area: 0.005, cooldown_s: 60, zones });
  assert.deepEqual(changed.rules, [{ ...rules[0], labels: ["person"], min_confidence: 0 }]);
  const refused: [unknown, RegExp][] = [
    [{ motion: { zones: [] } }, /rules\.0\.zone: there is no zone "gate"/],
    [{ motion: { zones: [...zones, ...zones] } }, /two have one name/],
    [{ motion: { zones: [{ ...zones[0], x: 0.9 }] } }, /beyond the frame/],
    [{ detect: "provider" }, /no provider of AI/],
    [{ detect: "model" }, /DETECT_MODEL_PATH/],
    [{ keep_every_s: 0 }, /keep_every_s/],
    [{ rules: [{ type: "party" }] }, /type/],
  ];
  for (const [body, pattern] of refused) {
    const answer = await send(app, "PUT", `/${id}`, body);
    assert.equal(answer.status, 422, JSON.stringify(body));
    assert.match(JSON.stringify(await answer.json()).replaceAll("\\", ""), pattern);
  }
});

Deno.test("start and stop are idempotent, and told once", async () => {
  await using app = await startApp({ env: LOCAL });
  const { id } = await made(app);
  for (const _ of [1, 2]) {
    const started = await (await send(app, "POST", `/${id}/start`)).json();
    assert.equal(started.status, "connecting");
  }
  for (const _ of [1, 2]) {
    const stopped = await (await send(app, "POST", `/${id}/stop`)).json();
    assert.equal(stopped.status, "inactive");
  }
  assert.deepEqual(await told(app), ["camera.created", "camera.connecting", "camera.inactive"]);
  assert.deepEqual(await (await send(app, "GET", `/${id}/stats`)).json(), {
    id,
    status: "inactive",
    frames: 0,
    fps: 0,
    last_frame_at: null,
    errors: 0,
    events: 0,
    uptime_s: 0,
  });
});

Deno.test("DELETE /api/cameras/{id} takes a camera and that it was started along", async () => {
  await using app = await startApp({ env: LOCAL });
  const { id } = await made(app);
  await send(app, "POST", `/${id}/start`);
  assert.equal((await send(app, "DELETE", `/${id}`)).status, 204);
  assert.equal((await send(app, "GET", `/${id}`)).status, 404);
  assert.deepEqual(await Array.fromAsync(app.services.cameraWatches.started()), []);
});

Deno.test("POST /api/cameras refuses addresses that may not be called, all with the same answer", async () => {
  await using app = await startApp();
  const refused = [
    "http://127.0.0.1/shot.jpg",
    "http://10.0.0.8/shot.jpg",
    "rtsp://192.168.1.7/stream",
    "rtsp://user:secret@169.254.169.254/latest",
    "rtsp://0x7f.1/stream",
    "http://[::ffff:127.0.0.1]/",
    "http://8.8.8.8:22/",
    "file:///etc/passwd",
    "rtsps://8.8.8.8/",
    "concat:http://8.8.8.8/|file:///etc/passwd",
    "no address",
  ];
  const answers = await Promise.all(refused.map(async (url) => {
    const answer = await send(app, "POST", "", { name: "x", url });
    const { detail, status } = await answer.json();
    return `${status} ${detail}`;
  }));
  assert.deepEqual(new Set(answers).size, 1, answers.join("\n"));
  assert.match(answers[0]!, /^422 Cannot read the address/);
  assert.equal((await send(app, "GET")).status, 200);
});

Deno.test("POST /api/cameras refuses what is no camera", async () => {
  await using app = await startApp({ env: LOCAL });
  const wrong: Record<string, unknown>[] = [
    { url: undefined },
    { name: " " },
    { fps: 0 },
    { fps: 1_000 },
    { password: "x" },
  ];
  for (const body of wrong) {
    const answer = await send(app, "POST", "", { name: "Gate", url: URL_WITH_SECRETS, ...body });
    assert.equal(answer.status, 422, JSON.stringify(body));
  }
});

Deno.test("POST /api/events takes a camera of the tenant, and no other", async () => {
  await using app = await startApp({ env: LOCAL });
  const { id } = await made(app);
  const tell = (camera_id: string) =>
    app.request("/api/events", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type: "person", camera_id }),
    });
  assert.equal((await tell(id)).status, 201);
  assert.equal((await tell(crypto.randomUUID())).status, 422);
});

Deno.test("POST /api/cameras makes no more than 100, however many are sent at once", async () => {
  await using app = await startApp({ env: LOCAL });
  const body = { name: "Gate", url: "http://127.0.0.1:9/shot.jpg" };
  const answers = await Promise.all(
    Array.from({ length: 103 }, () => send(app, "POST", "", body)),
  );
  const refused = answers.filter(({ status }) => status === 422);
  assert.equal(refused.length, 3);
  assert.match((await refused[0]!.json()).detail, /there are 100 already/);
  assert.equal((await app.services.cameras.all(app.tenant.id)).length, 100);
});

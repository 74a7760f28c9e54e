import assert from "node:assert/strict";
import { createWatchers } from "../../cameras/mod.ts";
import type { Camera, CameraStats } from "../../lib/model/camera.ts";
import type { FeedItem } from "../../lib/model/feed.ts";
import { tables } from "../../lib/tables.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { until } from "../helpers/clock.ts";
import { createDigestCamera } from "../helpers/digest_camera.ts";
import { startFakeCamera, wantsBasic } from "../helpers/fake_camera.ts";
import { jpeg } from "../helpers/photos.ts";

const env = { FETCH_ALLOWED_NETS: "127.0.0.1/32" };
const { bytes: PICTURE } = await jpeg();

async function added({ request }: TestApp, url: string, body = {}): Promise<string> {
  const answer = await request("/api/cameras", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "Gate", url, fps: 10, ...body }),
  });
  const { id }: Camera = await answer.json();
  await request(`/api/cameras/${id}/start`, { method: "POST" });
  return id;
}

const shown = async (app: TestApp, id: string): Promise<Camera> =>
  await (await app.request(`/api/cameras/${id}`)).json();
const statsOf = async (app: TestApp, id: string): Promise<CameraStats> =>
  await (await app.request(`/api/cameras/${id}/stats`)).json();
const became = (app: TestApp, id: string, status: Camera["status"]) =>
  until(async () => (await shown(app, id)).status === status);

/** Watches as `main.ts` does. */
function watching(app: TestApp) {
  const watchers = createWatchers(app.services);
  watchers.start();
  return Object.assign(watchers, { [Symbol.asyncDispose]: () => watchers.stop() });
}

/** Counts the pictures that go out live. */
function follow({ services, tenant }: TestApp, id: string) {
  const seen = { frames: 0, last: new Uint8Array() };
  services.frames.follow(tenant.id, id, ({ jpeg }) => {
    seen.frames++;
    seen.last = new Uint8Array(jpeg);
  });
  return seen;
}

Deno.test("snapshots are fetched at the camera's rate, with its password, and handed on", async () => {
  await using camera = startFakeCamera(() => PICTURE, 20, wantsBasic("viewer:secret"));
  await using app = await startApp({ env });
  const id = await added(app, camera.base.replace("//", "//viewer:secret@") + "/shot.jpg");
  const seen = follow(app, id);
  await using _ = watching(app);
  await became(app, id, "active");
  for (let i = 0; i < 5; i++) {
    const { frames } = seen;
    await app.clock.advance(100);
    await until(() => seen.frames > frames);
  }
  assert.deepEqual(seen.last, PICTURE);
  await app.request(`/api/cameras/${id}/stop`, { method: "POST" });
  await until(async () => (await statsOf(app, id)).frames >= 5);
  const figures = await (await app.app.request("/metrics")).text();
  const looked = /^imago_camera_pictures_total\{done="looked at"\} (\d+)$/m.exec(figures);
  assert.ok(Number(looked?.[1]) > 0);
  assert.equal((await shown(app, id)).status, "inactive");
});

Deno.test("a camera that wants Digest is watched by picture and by stream, and told no password", async () => {
  const digest = createDigestCamera();
  const refuse = (request: Request) => {
    const challenge = digest.refuse(request);
    if (!challenge) return null;
    return new Response("who?", { status: 401, headers: { "WWW-Authenticate": challenge } });
  };
  await using camera = startFakeCamera(() => PICTURE, 20, refuse);
  await using app = await startApp({ env });
  const base = camera.base.replace("//", "//viewer:se%3Acret@");
  const shots = await added(app, `${base}/shot.jpg`);
  const video = await added(app, `${base}/video`, { name: "Door" });
  const seen = follow(app, shots);
  await using _ = watching(app);
  await became(app, shots, "active");
  await became(app, video, "active");
  for (let i = 0; i < 5; i++) {
    if (i === 3) digest.forget();
    const { frames } = seen;
    await app.clock.advance(100);
    await until(() => seen.frames > frames);
  }
  const unasked = camera.asked.filter((headers) => !headers.has("Authorization"));
  assert.equal(unasked.length, 2, "each camera is asked once how it wants to see the password");
  assert.deepEqual(digest.told, []);
  for (const id of [shots, video]) assert.equal((await statsOf(app, id)).errors, 0);
});

Deno.test("a camera that refuses its password is let be for five minutes, or until it is changed", async () => {
  await using camera = startFakeCamera(() => PICTURE, 20, wantsBasic("viewer:secret"));
  await using app = await startApp({ env });
  const withLogin = (login: string) => `${camera.base.replace("//", `//${login}@`)}/shot.jpg`;
  const id = await added(app, withLogin("viewer:wrong"));
  await using _ = watching(app);
  await became(app, id, "error");
  assert.equal((await shown(app, id)).error, "The camera refuses its user and password");
  const { length } = camera.asked;
  for (let minute = 1; minute < 5; minute++) await app.clock.advance(59_000);
  assert.equal(camera.asked.length, length, "not asked again yet");
  await app.clock.advance(70_000);
  await until(() => camera.asked.length > length);
  await app.request(`/api/cameras/${id}`, {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ url: withLogin("viewer:secret") }),
  });
  await became(app, id, "active");
});

Deno.test("MJPEG is followed, tried again when it breaks, and let go on stop", async () => {
  await using camera = startFakeCamera(() => PICTURE);
  await using app = await startApp({ env });
  const id = await added(app, `${camera.base}/video`);
  await using watchers = watching(app);
  await became(app, id, "active");
  camera.fail();
  await became(app, id, "error");
  const { error } = await shown(app, id);
  assert.equal(error, "The camera ended the connection");
  await app.clock.advance(1_000);
  await until(async () => (await shown(app, id)).error !== error);
  assert.match((await shown(app, id)).error ?? "", /^Cannot read the address/);
  camera.recover();
  await app.clock.advance(2_000);
  await became(app, id, "active");
  assert.equal((await shown(app, id)).error, null);
  await app.request(`/api/cameras/${id}/stop`, { method: "POST" });
  await until(() => watchers.watched === 0 && camera.watchers === 0);
  assert.equal((await statsOf(app, id)).errors, 2);
  const feed = app.services.db.list<FeedItem>({ prefix: tables.feed.prefix(app.tenant.id) });
  assert.deepEqual((await Array.fromAsync(feed)).map(({ value }) => value.type), [
    "camera.created",
    "camera.connecting",
    "camera.active",
    "camera.error",
    "camera.error",
    "camera.active",
    "camera.inactive",
  ]);
});

Deno.test("a camera that falls silent is connected to anew", async () => {
  await using camera = startFakeCamera(() => PICTURE, 3_600_000);
  await using app = await startApp({ env });
  const id = await added(app, `${camera.base}/video`);
  await using _ = watching(app);
  await until(() => camera.watchers === 1);
  await app.clock.advance(20_000);
  await became(app, id, "error");
  assert.equal((await shown(app, id)).error, "The camera sends no pictures");
  await until(() => camera.watchers === 0);
  await app.clock.advance(1_000);
  await until(() => camera.watchers === 1);
});

Deno.test("a camera whose address changes is watched there", async () => {
  await using old = startFakeCamera(() => PICTURE);
  await using other = startFakeCamera(() => PICTURE);
  await using app = await startApp({ env });
  const id = await added(app, `${old.base}/video`);
  await using _ = watching(app);
  await until(() => old.watchers === 1);
  await app.request(`/api/cameras/${id}`, {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ url: `${other.base}/video` }),
  });
  await until(() => old.watchers === 0 && other.watchers === 1);
});

Deno.test("a camera has one owner, and goes to another process when that stops", async () => {
  await using camera = startFakeCamera(() => PICTURE);
  await using app = await startApp({ env, exclusive: false });
  const id = await added(app, `${camera.base}/video`);
  const first = watching(app);
  await became(app, id, "active");
  await using second = watching(app);
  await app.clock.advance(6_000);
  assert.deepEqual([first.watched, second.watched], [1, 0]);
  await first.stop();
  await app.clock.advance(6_000);
  await until(() => second.watched === 1);
  await until(() => camera.watchers === 1);
});

Deno.test("a camera whose owner died is taken over when its lease has run out", async () => {
  await using camera = startFakeCamera(() => PICTURE);
  await using app = await startApp({ env, exclusive: false });
  const id = await added(app, `${camera.base}/video`);
  const { cameraWatches } = app.services;
  const dead = { owner: "dead", until_ms: app.clock.now() + 30_000 };
  await cameraWatches.claim(app.tenant.id, id, dead, () => true);
  await using watchers = watching(app);
  await app.clock.advance(25_000);
  assert.equal(watchers.watched, 0);
  await app.clock.advance(10_000);
  await until(() => watchers.watched === 1);
});

Deno.test("a camera rests while its tenant is deactivated, and goes on by itself afterwards", async () => {
  await using camera = startFakeCamera(() => PICTURE);
  await using app = await startApp({ env });
  const id = await added(app, `${camera.base}/video`);
  await using watchers = watching(app);
  await became(app, id, "active");
  await app.services.tenants.patch(app.tenant.id, { active: false }, "test");
  await app.clock.advance(6_000);
  await until(() => watchers.watched === 0 && camera.watchers === 0);
  await app.services.tenants.patch(app.tenant.id, { active: true }, "test");
  await app.clock.advance(6_000);
  await until(() => watchers.watched === 1 && camera.watchers === 1);
});

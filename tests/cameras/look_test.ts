import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import sharp from "sharp";
import { createLook } from "../../cameras/look.ts";
import { createWatchers } from "../../cameras/mod.ts";
import type { Camera, NewCamera } from "../../lib/model/camera.ts";
import type { Event } from "../../lib/model/event.ts";
import type { Image, ImageSummary } from "../../lib/model/image.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { until } from "../helpers/clock.ts";
import { type FakeAi, startFakeAi } from "../helpers/fake_ai.ts";
import { startFakeCamera } from "../helpers/fake_camera.ts";
import { recount } from "../helpers/recount.ts";

const LOCAL = { FETCH_ALLOWED_NETS: "127.0.0.1/32" };
const SECOND = 1_000;
const DAY = 24 * 60 * 60 * SECOND;

/** A picture of 320 × 180 px; somebody stands `at` so many pixels from the left, or nobody does. */
async function scene(at: number | null): Promise<Uint8Array<ArrayBuffer>> {
  const background = { r: 70, g: 80, b: 90 };
  const somebody = { input: await block(24, 60), left: at ?? 0, top: 100 };
  const empty = sharp({ create: { width: 320, height: 180, channels: 3, background } });
  const picture = at === null ? empty : empty.composite([somebody]);
  return new Uint8Array(await picture.jpeg({ quality: 90 }).toBuffer());
}

function block(width: number, height: number): Promise<Buffer> {
  const background = { r: 240, g: 230, b: 200 };
  return sharp({ create: { width, height, channels: 3, background } }).png().toBuffer();
}

const NOBODY = await scene(null);
const SOMEBODY = await scene(40);
const ELSEWHERE = await scene(240);

/** A camera whose pictures the test hands over itself. */
async function looking(app: TestApp, settings: Partial<NewCamera> = {}) {
  const answer = await app.request("/api/cameras", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "Gate", url: "http://127.0.0.1:9/", ...settings }),
  });
  assert.equal(answer.status, 201, await answer.clone().text());
  const { id }: Camera = await answer.json();
  const { row } = await app.services.cameras.get(app.tenant.id, id);
  const troubles: (string | null)[] = [];
  let errors = 0;
  const ending = new AbortController();
  const look = createLook(row, app.services, {
    signal: ending.signal,
    onTrouble: (trouble) => void troubles.push(trouble),
    onError: () => void errors++,
  });
  return {
    id,
    row,
    troubles,
    errors: () => errors,
    ending,
    /** Shows pictures one after the other, a second apart. */
    async show(...pictures: Uint8Array[]) {
      for (const picture of pictures) {
        look.see(app.services.frames.publish(app.tenant.id, id, picture));
        await look.end();
        await app.clock.advance(SECOND);
      }
    },
  };
}

const eventsOf = async ({ request }: Pick<TestApp, "request">): Promise<Event[]> =>
  (await (await request("/api/events")).json()).items;
const imagesOf = async ({ request }: Pick<TestApp, "request">): Promise<ImageSummary[]> =>
  (await (await request("/images")).json()).items;

Deno.test("what moves becomes an event with its box, its moment and its picture as an image of the tenant", async () => {
  await using app = await startApp({ env: LOCAL, steps: [] });
  const camera = await looking(app);
  await camera.show(NOBODY, NOBODY, NOBODY, SOMEBODY);
  const [event, ...rest] = await eventsOf(app);
  assert.deepEqual(rest, []);
  assert.deepEqual([event?.type, event?.severity, event?.camera_id], ["motion", "low", camera.id]);
  assert.equal(event?.occurred_at, "2026-05-01T10:00:03.000Z");
  assert.ok(Math.abs(event!.box!.x - 40 / 320) < 0.05, JSON.stringify(event?.box));
  const image: Image = await (await app.request(`/images/${event!.image_id}`)).json();
  assert.deepEqual([image.source, image.camera_id], ["camera", camera.id]);
  assert.equal(image.original_name, "Gate 2026-05-01 10:00:03.jpg");
  const stats = await (await app.request(`/api/cameras/${camera.id}/stats`)).json();
  assert.equal(stats.events, 1);
});

Deno.test("motion that goes on is told again after the cooldown, and not while motion is off", async () => {
  await using app = await startApp({ env: LOCAL, steps: [] });
  const eager = await looking(app, { motion: { cooldown_s: 5 } as NewCamera["motion"] });
  await eager.show(NOBODY, NOBODY, NOBODY);
  for (let i = 0; i < 3; i++) await eager.show(SOMEBODY, ELSEWHERE);
  assert.equal((await eventsOf(app)).length, 2, "in six seconds");
  const blind = await looking(app, { motion: { enabled: false } as NewCamera["motion"] });
  await blind.show(NOBODY, NOBODY, NOBODY, SOMEBODY);
  assert.equal((await eventsOf(app)).length, 2);
});

Deno.test("keep_every_s keeps a picture so often, whatever it shows", async () => {
  await using app = await startApp({ env: LOCAL, steps: [] });
  const camera = await looking(app, { keep_every_s: 3 });
  await camera.show(...Array(7).fill(NOBODY));
  const kept = await imagesOf(app);
  assert.deepEqual(kept.map(({ created_at }) => created_at.slice(17, 19)), ["06", "03", "00"]);
  assert.deepEqual(await eventsOf(app), []);
});

Deno.test("a picture that cannot be decoded is told, and forgotten when the next one can", async () => {
  await using app = await startApp({ env: LOCAL, steps: [] });
  const camera = await looking(app);
  const torn = Buffer.concat([NOBODY.subarray(0, 20), new Uint8Array(200)]);
  await camera.show(NOBODY, new Uint8Array(torn), NOBODY, NOBODY, SOMEBODY);
  assert.match(camera.troubles[0]!, /Cannot look at the pictures: /);
  assert.equal(camera.troubles[1], null);
  assert.equal(camera.errors(), 1);
  assert.equal((await eventsOf(app)).length, 1);
});

Deno.test("a full quota costs the picture, not the event, and is told", async () => {
  await using app = await startApp({ env: { ...LOCAL, STANDARD_QUOTA_MB: "1" }, steps: [] });
  await app.services.tenants.patch(app.tenant.id, { quota_bytes: 1 }, "test");
  const camera = await looking(app);
  await camera.show(NOBODY, NOBODY, NOBODY, SOMEBODY);
  const [event] = await eventsOf(app);
  assert.deepEqual([event?.type, event?.image_id], ["motion", null]);
  assert.match(camera.troubles[0]!, /Cannot keep pictures: /);
});

Deno.test("nothing is told of a camera that was deleted, or is watched by another, meanwhile", async () => {
  await using app = await startApp({ env: LOCAL, steps: [] });
  const camera = await looking(app);
  await camera.show(NOBODY, NOBODY, NOBODY);
  camera.ending.abort();
  await camera.show(SOMEBODY);
  assert.deepEqual(await eventsOf(app), []);
  const other = await looking(app);
  await other.show(NOBODY, NOBODY, NOBODY);
  await app.request(`/api/cameras/${other.id}`, { method: "DELETE" });
  await other.show(SOMEBODY);
  assert.deepEqual(await eventsOf(app), []);
});

const THING = { label: "Person", confidence: 0.9, left: 100, top: 500, right: 250, bottom: 950 };

async function withProvider(
  things: unknown[],
  test: (app: TestApp, ai: FakeAi) => Promise<void>,
  env = {},
) {
  const ai = startFakeAi({ answer: { things } });
  try {
    const provider = { AI_PROVIDER: "gemini", GEMINI_API_KEY: "key" };
    await using app = await startApp({
      env: { ...LOCAL, ...provider, GEMINI_BASE_URL: ai.geminiBaseUrl, ...env },
      steps: [],
    });
    await test(app, ai);
  } finally {
    await ai.close();
  }
}

const eager = { cooldown_s: 0 } as NewCamera["motion"];

Deno.test("a provider names what moved, and rules say what that means", () =>
  withProvider([THING, { ...THING, left: 800, right: 900 }], async (app) => {
    const rules = [{ labels: ["person"], type: "intrusion", severity: "high" }];
    const camera = await looking(app, { detect: "provider", rules: rules as NewCamera["rules"] });
    await camera.show(NOBODY, NOBODY, NOBODY, SOMEBODY);
    const [event, ...rest] = await eventsOf(app);
    assert.deepEqual(rest, []);
    assert.deepEqual(
      [event?.type, event?.severity, event?.description, event?.confidence],
      ["intrusion", "high", "person", 0.9],
      "what stands elsewhere has not moved",
    );
    assert.deepEqual(Object.values(event!.box!).map((side) => side.toFixed(2)), [
      ...["0.10", "0.50", "0.15", "0.45"],
    ]);
  }));

Deno.test("a picture like the last one that a model saw is not sent again", () =>
  withProvider([], async (app, ai) => {
    const camera = await looking(app, { detect: "provider", motion: eager });
    await camera.show(NOBODY, NOBODY, NOBODY, SOMEBODY, SOMEBODY, SOMEBODY);
    assert.equal(ai.requests.length, 1);
    await camera.show(ELSEWHERE);
    assert.equal(ai.requests.length, 2);
    assert.deepEqual(await eventsOf(app), [], "the model saw nothing");
  }));

Deno.test("who comes back to where a model saw somebody is told, without asking again", () =>
  withProvider([THING], async (app, ai) => {
    const camera = await looking(app, { detect: "provider" });
    await camera.show(NOBODY, NOBODY, NOBODY, SOMEBODY);
    assert.equal((await eventsOf(app)).length, 1);
    await camera.show(...Array(10).fill(NOBODY), SOMEBODY);
    assert.deepEqual((await eventsOf(app)).map(({ type }) => type), ["person", "person"]);
    assert.equal(ai.requests.length, 1);
  }));

Deno.test("a provider is asked no more often than the cooldown says", () =>
  withProvider([], async (app, ai) => {
    const camera = await looking(app, { detect: "provider" });
    await camera.show(NOBODY, NOBODY, NOBODY, SOMEBODY, ELSEWHERE, SOMEBODY, ELSEWHERE);
    assert.equal(ai.requests.length, 1);
  }));

Deno.test("when a provider fails, that something moved is told all the same", () =>
  withProvider([], async (app, ai) => {
    ai.setMode("500");
    const camera = await looking(app, { detect: "provider" });
    await camera.show(NOBODY, NOBODY, NOBODY, SOMEBODY);
    assert.deepEqual((await eventsOf(app)).map(({ type }) => type), ["motion"]);
    assert.match(camera.troubles[0]!, /Cannot tell what moves: /);
  }));

Deno.test("no picture of a tenant that keeps them from outside models is sent", () =>
  withProvider([THING], async (app, ai) => {
    await app.services.tenants.patch(app.tenant.id, { external_ai: false }, "test");
    const camera = await looking(app, { detect: "provider" });
    await camera.show(NOBODY, NOBODY, NOBODY, SOMEBODY);
    assert.equal(ai.requests.length, 0);
    assert.deepEqual((await eventsOf(app)).map(({ type }) => type), ["motion"]);
  }));

Deno.test("what a detector is not sure of is not told", () =>
  withProvider([THING], async (app) => {
    const camera = await looking(app, { detect: "provider" });
    await camera.show(NOBODY, NOBODY, NOBODY, SOMEBODY);
    assert.deepEqual(await eventsOf(app), []);
  }, { CONFIDENCE_THRESHOLD: "0.95" }));

Deno.test("kept pictures go after FRAME_RETENTION_DAYS, those of events with their event", async () => {
  await using app = await startApp({ env: LOCAL, steps: [] });
  const camera = await looking(app, { keep_every_s: 1, motion: eager });
  await camera.show(NOBODY, NOBODY, NOBODY, SOMEBODY);
  await app.request(`/api/cameras/${camera.id}`, { method: "DELETE" });
  const held = (await eventsOf(app))[0]!;
  assert.equal((await imagesOf(app)).length, 5);
  const upload = await app.upload(NOBODY);
  const { id: own } = await upload.json();
  await app.clock.advance(7 * DAY);
  await sweep(app);
  const left = (await imagesOf(app)).map(({ id }) => id).toSorted();
  assert.deepEqual(left, [held.image_id!, own].toSorted());
  await app.request(`/api/events/${held.id}`, { method: "DELETE" });
  assert.deepEqual((await imagesOf(app)).map(({ id }) => id), [own]);
});

async function sweep({ services, tenant, clock }: TestApp) {
  for (const { purge, keepMs } of services.retentions) await purge(tenant.id, clock.now() - keepMs);
}

Deno.test("a camera's oldest pictures make room within FRAME_QUOTA_MB, but for those of events", async () => {
  await using app = await startApp({ env: { ...LOCAL, FRAME_QUOTA_MB: "1" }, steps: [] });
  const camera = await looking(app, { keep_every_s: 1, motion: { enabled: false } as never });
  const noise = Buffer.alloc(600 * 600 * 3);
  const pictures = await Promise.all(Array.from({ length: 9 }, async () => {
    crypto.getRandomValues(noise.subarray(0, 65_536));
    for (let at = 65_536; at < noise.length; at++) noise[at] = noise[at - 65_521]!;
    const raw = { width: 600, height: 600, channels: 3 as const };
    return new Uint8Array(
      await sharp(Buffer.from(noise), { raw }).jpeg({ quality: 60 }).toBuffer(),
    );
  }));
  await camera.show(pictures[0]!);
  const [first] = await imagesOf(app);
  await app.services.events.create(app.tenant.id, {
    ...{ camera_id: camera.id, type: "other", severity: "low", description: "", notes: "" },
    ...{ box: null, confidence: null, image_id: first!.id },
  });
  await camera.show(...pictures.slice(1));
  const kept = await imagesOf(app);
  const bytes = kept.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  const all = pictures.reduce((sum, { length }) => sum + length, 0);
  assert.ok(all > 1_048_576, "they do not all fit");
  assert.ok(bytes <= 1_048_576 * (1 + 1 / 16), `${bytes} bytes`);
  assert.ok(kept.some(({ id }) => id === first!.id), "the event's picture stays");
  assert.equal(kept[0]!.created_at, "2026-05-01T10:00:08.000Z", "the newest one too");
  assert.ok(!kept.some(({ created_at }) => created_at === "2026-05-01T10:00:01.000Z"));
});

Deno.test("a camera that shows something moving makes events, and one that shows nothing none", async () => {
  const scenes = await Promise.all([0, 60, 120, 180, 240].map(scene));
  let shown = 0;
  let moves = false;
  await using fake = startFakeCamera(() =>
    moves && shown > 3 ? scenes[shown++ % scenes.length]! : (shown++, NOBODY)
  );
  await using app = await startApp({ env: LOCAL, steps: [] });
  const watchers = createWatchers(app.services);
  watchers.start();
  try {
    for (moves of [false, true]) {
      shown = 0;
      const { id } = await looking(app, { url: `${fake.base}/shot.jpg`, fps: 1 });
      await app.request(`/api/cameras/${id}/start`, { method: "POST" });
      for (let i = 0; i < 12; i++) {
        const before = shown;
        await app.clock.advance(SECOND);
        await until(() => shown > before);
      }
      if (moves) await until(async () => (await eventsOf(app)).length > 0);
      await app.request(`/api/cameras/${id}/stop`, { method: "POST" });
      const moved = (await eventsOf(app)).filter(({ camera_id }) => camera_id === id);
      assert.equal(moved.length > 0, moves);
    }
  } finally {
    await watchers.stop();
  }
  await app.drain();
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
});

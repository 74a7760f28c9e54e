import assert from "node:assert/strict";
import type { UploadRecord } from "../../lib/model/record.ts";
import { tables } from "../../lib/tables.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { until } from "../helpers/clock.ts";
import { png } from "../helpers/pictures.ts";
import { recount } from "../helpers/recount.ts";

type Given = { name?: string; type?: string; bytes?: Uint8Array<ArrayBuffer> };

/** What `curl -F "file=@photo.png"` sends. */
function form({ name = "photo.png", type = "image/png", bytes = png(200, 100) }: Given = {}) {
  const body = new FormData();
  body.append("file", new File([bytes], name, { type }));
  return { method: "POST", body };
}

async function post(app: TestApp, given: Given = {}) {
  const response = await app.request("/api/images", form(given));
  return { status: response.status, body: await response.json(), headers: response.headers };
}

async function listed(app: TestApp): Promise<UploadRecord[]> {
  return (await (await app.request("/api/images?limit=200")).json()).items;
}

const text = (content: string) => new TextEncoder().encode(content);

Deno.test("POST /api/images takes a picture in with the envelope of its document", async () => {
  await using app = await startApp();
  const { status, body, headers } = await post(app);
  const id = body.data.image_id;
  assert.equal(status, 201);
  assert.equal(headers.get("Location"), `/api/images/${id}`);
  assert.deepEqual(body, {
    status: "success",
    data: {
      image_id: id,
      original_name: "photo.png",
      processed_at: "2026-05-01T10:00:00.000Z",
      metadata: { width: 200, height: 100, format: "png", size_bytes: png(200, 100).length },
    },
    thumbnails: {
      small: `http://localhost/api/images/${id}/thumbnails/small`,
      medium: `http://localhost/api/images/${id}/thumbnails/medium`,
    },
    error: null,
  });
  assert.equal((await app.request(`/images/${id}`)).status, 200, "it is an image like all others");
});

Deno.test("thumbnail links lead to where the world reaches Imago", async () => {
  await using app = await startApp({ env: { PUBLIC_URL: "https://pictures.example/" } });
  const { body } = await post(app);
  assert.match(body.thumbnails.small, /^https:\/\/pictures\.example\/api\/images\/[-\w]+\/thumb/);
});

Deno.test("POST /api/images refuses by extension, declared type and bytes, and records it", async () => {
  await using app = await startApp({ env: { MAX_UPLOAD_SIZE_MB: "0.05" } });
  const cases: [given: Given, status: number, error: string][] = [
    [{ name: "file.xlsx" }, 415, "invalid file format"],
    [{ name: "png" }, 415, "invalid file format"],
    [{ type: "application/pdf" }, 415, "invalid file format"],
    [{ bytes: text("hello") }, 415, "invalid file format"],
    [{ bytes: png(300, 300) }, 413, "file too large"],
    [{ name: "file.xlsx", bytes: png(300, 300) }, 415, "invalid file format"],
    [{ bytes: png().slice(0, 20) }, 422, "image cannot be decoded"],
    [{ bytes: new Uint8Array() }, 422, "image cannot be decoded"],
  ];
  for (const [given, status, error] of cases) {
    const answer = await post(app, given);
    assert.equal(answer.status, status);
    assert.deepEqual(answer.body, {
      status: "failed",
      data: {
        image_id: answer.body.data.image_id,
        original_name: given.name ?? "photo.png",
        processed_at: "2026-05-01T10:00:00.000Z",
        metadata: {},
        thumbnails: {},
      },
      error,
    });
    const record = await app.request(`/api/images/${answer.body.data.image_id}`);
    assert.deepEqual(await record.json(), {
      image_id: answer.body.data.image_id,
      original_name: given.name ?? "photo.png",
      processed_at: "2026-05-01T10:00:00.000Z",
      status: "failed",
      metadata: {},
      thumbnails: {},
      exif: null,
      caption: null,
      error,
    });
  }
  assert.equal((await listed(app)).length, cases.length);
  for await (const { key } of app.services.storage.list("")) assert.fail(`left behind: ${key}`);
  assert.equal((await app.services.quotas.read(app.tenant)).used_bytes, 0);
});

Deno.test("uploads refused on other routes, or by their Content-Length, are recorded too", async () => {
  await using app = await startApp();
  assert.equal((await app.upload(text("hello"), "notes.txt")).status, 415);
  const announced = { ...form({ name: "huge.png" }), headers: { "Content-Length": "90000000" } };
  for (const path of ["/images/upload", "/api/images"]) {
    assert.equal((await app.request(path, announced)).status, 413);
  }
  assert.deepEqual((await listed(app)).map(({ original_name, error }) => [original_name, error]), [
    ["huge.png", "file too large"],
    ["huge.png", "file too large"],
    ["notes.txt", "invalid file format"],
  ]);
});

Deno.test("what is refused for who asks, or for its form, leaves no record", async () => {
  await using app = await startApp();
  const { key, request } = await app.asTenant({ quota_bytes: 10 });
  assert.equal((await app.upload(png(), "a.png", key)).status, 507);
  assert.equal((await app.request("/api/images", form(), "imago_wrong")).status, 401);
  const empty = await request("/api/images", { method: "POST", body: new FormData() });
  assert.equal(empty.status, 400);
  const other = new FormData();
  other.append("photo", new File([text("hello")], "a.txt"));
  assert.equal((await request("/api/images", { method: "POST", body: other })).status, 400);
  assert.deepEqual((await (await request("/api/images")).json()).items, []);
  assert.equal((await (await request("/api/stats")).json()).total, 0);
});

Deno.test("GET /api/images pages through images and refusals, newest first, once each", async () => {
  await using app = await startApp({ steps: [] });
  const ids: string[] = [];
  for (let i = 0; i < 9; i++) {
    const { body } = await post(app, i % 3 ? { bytes: png(8, 8, i) } : { name: "a.txt" });
    ids.push(body.data.image_id);
    await app.clock.advance(10);
  }
  const seen: string[] = [];
  for (let path: string | null = "/api/images?limit=2"; path;) {
    const response: Response = await app.request(path);
    const { items } = await response.json();
    seen.push(...items.map(({ image_id }: UploadRecord) => image_id));
    path = response.headers.get("Link")?.match(/<(.+)>; rel="next"/)?.[1] ?? null;
  }
  assert.deepEqual(seen, ids.toReversed());
});

Deno.test("records belong to their tenant", async () => {
  await using app = await startApp();
  const other = await app.asTenant();
  const taken = (await post(app)).body.data.image_id;
  const refused = (await post(app, { name: "a.txt" })).body.data.image_id;
  for (const id of [taken, refused, crypto.randomUUID()]) {
    assert.equal((await other.request(`/api/images/${id}`)).status, 404);
    assert.equal((await other.request(`/api/images/${id}/thumbnails/small`)).status, 404);
  }
  assert.deepEqual((await (await other.request("/api/images")).json()).items, []);
});

Deno.test("a record tells what the pipeline found, and that a picture was damaged", async () => {
  await using app = await startApp();
  const whole = (await post(app)).body.data.image_id;
  const torn = (await post(app, { bytes: png(200, 100).slice(0, 5_000) })).body.data.image_id;
  await app.drain();
  const [good, bad] = await Promise.all([whole, torn].map(async (id) => {
    const record: UploadRecord = await (await app.request(`/api/images/${id}`)).json();
    return record;
  }));
  assert.deepEqual([good?.status, good?.error, good?.caption], ["success", null, null]);
  assert.equal(good?.exif?.gps.has_gps, false);
  assert.deepEqual([bad?.status, bad?.error], ["failed", "image cannot be decoded"]);
  assert.deepEqual(bad?.thumbnails, {});
  assert.equal((await app.request(`/api/images/${torn}/thumbnails/small`)).status, 422);
});

Deno.test("GET /api/stats counts every attempt, in step with a recount", async () => {
  await using app = await startApp();
  const stats = async () => await (await app.request("/api/stats")).json();
  const none = { total: 0, failed: 0, success_rate: "0.00%", average_processing_time_seconds: 0 };
  assert.deepEqual(await stats(), none);
  await Promise.all([
    ...[1, 2, 3].map((colour) => post(app, { bytes: png(8, 8, colour) })),
    post(app, { name: "a.txt" }),
  ]);
  assert.deepEqual(await stats(), { ...none, total: 4, failed: 1, success_rate: "75.00%" });
  const torn = (await post(app, { bytes: png(200, 100).slice(0, 5_000) })).body.data.image_id;
  await app.clock.advance(3_000);
  await app.drain();
  const settled = {
    total: 5,
    failed: 2,
    success_rate: "60.00%",
    average_processing_time_seconds: 3,
  };
  const { failed, ...rest } = await stats();
  assert.equal(rest.average_processing_time_seconds >= 3, true);
  assert.deepEqual({ ...rest, failed, average_processing_time_seconds: 3 }, settled);
  const records = await listed(app);
  assert.deepEqual([records.length, records.filter(({ status }) => status === "failed").length], [
    settled.total,
    settled.failed,
  ]);
  const before = await stats();
  await app.request(`/images/${torn}/reprocess`, { method: "POST" });
  assert.equal((await stats()).failed, 1, "it has another chance");
  await app.drain();
  assert.deepEqual(await stats(), before, "the same picture is not counted twice");
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
  await app.request(`/images/${torn}`, { method: "DELETE" });
  assert.deepEqual(await stats(), before, "what is deleted was uploaded nevertheless");
});

Deno.test("GET …/thumbnails/{size} gives JPEGs, made before the pipeline and by it", async () => {
  await using app = await startApp();
  const { image_id: id } = (await post(app, { bytes: png(900, 300) })).body.data;
  for (const drain of [false, true]) {
    if (drain) await app.drain();
    for (const [size, width] of [["small", 160], ["medium", 640]] as const) {
      const response = await app.request(`/api/images/${id}/thumbnails/${size}`);
      assert.equal(response.status, 200);
      assert.equal(response.headers.get("Content-Type"), "image/jpeg");
      assert.equal(response.headers.get("Cache-Control"), "private, max-age=31536000, immutable");
      assert.deepEqual(jpegSize(await response.bytes()), [width, Math.round(width / 3)]);
      const etag = response.headers.get("ETag")!;
      const again = await app.request(`/api/images/${id}/thumbnails/${size}`, {
        headers: { "If-None-Match": etag },
      });
      assert.equal(again.status, 304);
    }
  }
  for (const size of ["large", "preview", "Small"]) {
    assert.equal((await app.request(`/api/images/${id}/thumbnails/${size}`)).status, 404, size);
  }
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
});

Deno.test("fifty requests for a thumbnail at the same time make it once", async () => {
  await using app = await startApp();
  const { image_id: id } = (await post(app, { bytes: png(900, 300) })).body.data;
  const before = app.services.imaging.stats().jobs;
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => app.request(`/api/images/${id}/thumbnails/small`)),
  );
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  await app.request(`/api/images/${id}/thumbnails/small`);
  assert.equal(app.services.imaging.stats().jobs - before, 1);
  for (const answer of answers) await answer.body?.cancel();
});

Deno.test("an image that is deleted takes its thumbnails along", async () => {
  await using app = await startApp();
  const { image_id: id } = (await post(app)).body.data;
  await (await app.request(`/api/images/${id}/thumbnails/small`)).bytes();
  assert.equal((await app.request(`/images/${id}`, { method: "DELETE" })).status, 204);
  for await (const { key } of app.services.storage.list("")) assert.fail(`left behind: ${key}`);
  assert.equal(await app.services.db.get(tables.variants.key(app.tenant.id, id)), null);
  assert.equal((await app.request(`/api/images/${id}`)).status, 404);
});

Deno.test("a thumbnail that is being made when its image is deleted leaves nothing", async () => {
  await using app = await startApp();
  const { storage, imaging } = app.services;
  const { image_id: id } = (await post(app)).body.data;
  const before = imaging.stats().jobs;
  const asked = app.request(`/api/images/${id}/thumbnails/small`);
  await until(() => imaging.stats().busy > 0 || imaging.stats().jobs > before);
  await app.request(`/images/${id}`, { method: "DELETE" });
  // Whichever comes first: the thumbnail was ready, or its image was gone.
  assert.match(String((await asked).status), /^(200|404)$/);
  for await (const { key } of storage.list("")) assert.fail(`left behind: ${key}`);
});

Deno.test("POST /api/images with an Idempotency-Key answers the same again", async () => {
  await using app = await startApp();
  const headers = { "Idempotency-Key": "k1" };
  const first = await app.request("/api/images", { ...form(), headers });
  const second = await app.request("/api/images", { ...form(), headers });
  assert.deepEqual([first.status, second.status], [201, 201]);
  assert.deepEqual(await second.json(), await first.json());
  assert.equal(second.headers.get("Idempotency-Replayed"), "true");
  const other = await app.request("/api/images", { ...form({ bytes: png(9, 9) }), headers });
  assert.equal(other.status, 422);
  assert.equal((await listed(app)).length, 1);
});

/** Width and height as the frame header of a baseline JPEG tells them. */
function jpegSize(bytes: Uint8Array): [width: number, height: number] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 2; at < bytes.length; at += 2 + view.getUint16(at + 2)) {
    const marker = view.getUint16(at);
    if (marker === 0xffc0 || marker === 0xffc2) {
      return [view.getUint16(at + 7), view.getUint16(at + 5)];
    }
  }
  throw new Error("no frame header");
}

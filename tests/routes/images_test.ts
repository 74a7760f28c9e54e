import assert from "node:assert/strict";
import type { Image } from "../../lib/model/image.ts";
import { startApp } from "../helpers/app.ts";
import { png } from "../helpers/pictures.ts";

Deno.test("POST /images/upload takes a picture in, and the pipeline tells what it is", async () => {
  await using app = await startApp();
  const uploaded = await app.upload(png(300, 200), "ünïcode 100%.png");
  assert.equal(uploaded.status, 202);
  const { id, uuid, original_name, status } = await uploaded.json();
  assert.equal(uploaded.headers.get("Location"), `/images/${id}`);
  assert.deepEqual([uuid, original_name, status], [id, "ünïcode 100%.png", "pending"]);
  await app.drain();

  const image: Image = await (await app.request(`/images/${id}`)).json();
  assert.equal(image.status, "done");
  assert.deepEqual([image.width, image.height, image.mime_type], [300, 200, "image/png"]);
  assert.equal(image.steps.vision?.state, "skipped");
  assert.equal(image.steps.vision?.reason, "no AI provider is configured");
  assert.equal(image.exif?.gps.has_gps, false);
  assert.equal(image.processing_status, image.status);
  assert.ok(image.thumbhash);

  const thumbnail = await app.app.request(image.thumbnail_url!);
  assert.equal(thumbnail.headers.get("Content-Type"), "image/jpeg");
  assert.deepEqual([...(await thumbnail.bytes()).subarray(0, 2)], [0xff, 0xd8]);
});

Deno.test("POST /images/upload refuses what is no picture, and keeps nothing of it", async () => {
  await using app = await startApp({ env: { MAX_UPLOAD_SIZE_MB: "0.01" } });
  const cases: [name: string, bytes: Uint8Array<ArrayBuffer>, status: number][] = [
    ["text", new TextEncoder().encode("hello"), 415],
    ["svg", new TextEncoder().encode("<svg xmlns='http://www.w3.org/2000/svg'/>"), 415],
    ["torn header", png().slice(0, 20), 422],
    ["too many bytes", noisy(20_000), 413],
  ];
  for (const [name, bytes, status] of cases) {
    const response = await app.upload(bytes, `${name}.png`);
    assert.equal(response.status, status, `${name}: ${await response.clone().text()}`);
    assert.equal(response.headers.get("Content-Type"), "application/problem+json");
    const { detail, request_id } = await response.json();
    assert.ok(detail && request_id, name);
  }
  for await (const { key } of app.services.storage.list("")) assert.fail(`left behind: ${key}`);
  assert.equal((await app.services.quotas.read(app.tenant)).used_bytes, 0);
});

Deno.test("POST /images/upload keeps nothing of a form with two files, or cut off behind its file", async () => {
  await using app = await startApp({ steps: [] });
  const two = new FormData();
  for (const name of ["a.png", "b.png"]) two.append("file", new File([png()], name));
  assert.equal((await app.request("/images/upload", { method: "POST", body: two })).status, 413);

  const one = new FormData();
  one.append("file", new File([png()], "a.png"));
  const whole = new Request("http://x/", { method: "POST", body: one });
  const headers = { "Content-Type": whole.headers.get("Content-Type")! };
  const cut = (await whole.bytes()).slice(0, -4);
  const response = await app.request("/images/upload", { method: "POST", body: cut, headers });
  assert.equal(response.status, 400);
  for await (const { key } of app.services.storage.list("")) assert.fail(`left behind: ${key}`);
  assert.equal((await app.services.quotas.read(app.tenant)).used_bytes, 0);
});

Deno.test("POST /images/upload answers 400 without a file and for other bodies", async () => {
  await using app = await startApp();
  const bodies: RequestInit[] = [
    { body: new FormData() },
    { body: "{}", headers: { "Content-Type": "application/json" } },
    {},
  ];
  for (const init of bodies) {
    const response = await app.request("/images/upload", { method: "POST", ...init });
    assert.equal(response.status, 400);
  }
});

Deno.test("POST /images/upload never exceeds the quota, and deleting makes room", async () => {
  const size = png().length;
  await using app = await startApp();
  const { request, key } = await app.asTenant({ quota_bytes: 3 * size });
  const uploads = await Promise.all(
    Array.from({ length: 20 }, (_, i) => app.upload(png(8, 8, i), "a.png", key)),
  );
  const accepted = uploads.filter(({ status }) => status === 202);
  assert.equal(accepted.length, 3);
  assert.equal(uploads.filter(({ status }) => status === 507).length, 17);
  const list = await (await request("/images")).json();
  assert.deepEqual([list.items.length, list.quota.remaining_bytes], [3, 0]);
  assert.equal((await request(`/images/${list.items[0].id}`, { method: "DELETE" })).status, 204);
  assert.equal((await app.upload(png(), "b.png", key)).status, 202);
});

Deno.test("GET /images pages through all images, newest first, once each", async () => {
  await using app = await startApp({ steps: [] });
  const ids: string[] = [];
  for (let i = 0; i < 7; i++) ids.push((await (await app.upload(png(8, 8, i))).json()).id);
  const seen: string[] = [];
  for (let path: string | null = "/images?limit=3"; path;) {
    const response: Response = await app.request(path);
    const { items, next_cursor } = await response.json();
    seen.push(...items.map(({ id }: { id: string }) => id));
    const link = response.headers.get("Link")?.match(/<(.+)>; rel="next"/)?.[1] ?? null;
    assert.equal(link === null, next_cursor === null);
    path = link;
  }
  assert.deepEqual(seen, ids.toReversed());
});

Deno.test("GET /images refuses limits out of bounds and cursors that are not its own", async () => {
  await using app = await startApp({ steps: [] });
  for (let i = 0; i < 3; i++) await app.upload(png(8, 8, i));
  const { next_cursor } = await (await app.request("/images?limit=1")).json();
  const other = await app.asTenant();
  const forged = next_cursor.replace(/.$/, (last: string) => last === "A" ? "B" : "A");
  for (const limit of ["0", "201", "-1", "1e400", "NaN", "x", ""]) {
    assert.equal((await app.request(`/images?limit=${limit}`)).status, 422, limit);
  }
  for (const cursor of ["", "x", forged, "A".repeat(100_000), next_cursor.slice(1)]) {
    assert.equal((await app.request(`/images?cursor=${cursor}`)).status, 400, cursor.slice(0, 50));
  }
  assert.equal((await app.request(`/images?cursor=${next_cursor}`)).status, 200);
  assert.equal((await other.request(`/images?cursor=${next_cursor}`)).status, 400);
});

Deno.test("the parts of an image are 409 before their step has ended, then tell what they know", async () => {
  await using app = await startApp();
  const { id } = await (await app.upload(png())).json();
  for (const part of ["exif", "ocr", "ai"]) {
    assert.equal((await app.request(`/images/${id}/${part}`)).status, 409, part);
  }
  assert.equal((await app.request(`/images/${id}/thumbnail-url`)).status, 409);
  await app.drain();
  const exif = await (await app.request(`/images/${id}/exif`)).json();
  assert.deepEqual([exif.gps.has_gps, exif.camera.make], [false, null]);
  const ocr = await (await app.request(`/images/${id}/ocr`)).json();
  assert.deepEqual(ocr, { state: "skipped", reason: "OCR is off" });
  const ai = await (await app.request(`/images/${id}/ai`)).json();
  assert.equal(ai.state, "skipped");
});

Deno.test("GET /images/{id} answers 304 to who has it, until it changes", async () => {
  await using app = await startApp({ steps: [] });
  const { id } = await (await app.upload(png())).json();
  const etag = (await app.request(`/images/${id}`)).headers.get("ETag")!;
  const again = () => app.request(`/images/${id}`, { headers: { "If-None-Match": etag } });
  assert.equal((await again()).status, 304);
  await app.drain();
  assert.equal((await again()).status, 200);
});

Deno.test("GET /images/{id}/status?wait= answers when something changes", async () => {
  await using app = await startApp();
  const { id } = await (await app.upload(png())).json();
  const waiting = app.request(`/images/${id}/status?wait=30`);
  await app.drain();
  const { status, steps } = await (await waiting).json();
  assert.notEqual(status, "pending");
  assert.ok(steps.renditions);
});

Deno.test("POST /images/{id}/reprocess runs the wanted steps again, not while others run", async () => {
  await using app = await startApp();
  const { id } = await (await app.upload(png())).json();
  const again = (steps?: string[]) =>
    app.request(`/images/${id}/reprocess`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ steps }),
    });
  assert.equal((await again()).status, 409);
  await app.drain();
  const before = await app.services.images.get(app.tenant.id, id);
  assert.equal((await again(["renditions"])).status, 202);
  await app.drain();
  const after = await app.services.images.get(app.tenant.id, id);
  assert.equal(after.status, "done");
  assert.deepEqual(after.steps.exif, before.steps.exif);
  assert.notDeepEqual(after.renditions, before.renditions);
  const kept = [];
  for await (const { key } of app.services.storage.list("")) kept.push(key);
  assert.equal(kept.length, 3, "the original and two thumbnails; nobody looks at a preview");
  assert.equal((await again(["nonsense"])).status, 422);
});

Deno.test("DELETE /images/{id} takes everything along, links included", async () => {
  await using app = await startApp();
  const { id } = await (await app.upload(png())).json();
  await app.drain();
  const { url } = await (await app.request(`/images/${id}/download-url`)).json();
  assert.deepEqual(await (await app.app.request(url)).bytes(), png());
  assert.equal((await app.request(`/images/${id}`, { method: "DELETE" })).status, 204);
  assert.equal((await app.app.request(url)).status, 404);
  assert.equal((await app.request(`/images/${id}`)).status, 404);
  assert.equal((await app.request(`/images/${id}`, { method: "DELETE" })).status, 404);
  for await (const { key } of app.services.storage.list("")) assert.fail(`left behind: ${key}`);
});

Deno.test("signed links expire, and are refused when anything in them is changed", async () => {
  await using app = await startApp({ steps: [] });
  const { id } = await (await app.upload(png())).json();
  const link = await app.request(`/images/${id}/download-url?expires_in=60`);
  const { url, expires_at } = await link.json();
  assert.equal(Date.parse(expires_at), app.clock.now() + 60_000);
  const changed = url.replace(
    /signed\/(.)/,
    (_: string, c: string) => `signed/${c === "a" ? "b" : "a"}`,
  );
  assert.equal((await app.app.request(changed)).status, 403);
  assert.equal((await app.app.request(url)).status, 200);
  await app.clock.advance(60_001);
  assert.equal((await app.app.request(url)).status, 410);
  assert.equal((await app.request(`/images/${id}/download-url?expires_in=604801`)).status, 422);
});

/** A PNG's beginning, then bytes without end: refused for its size, not for its header. */
function noisy(length: number): Uint8Array<ArrayBuffer> {
  const picture = png(2000, 2000);
  const bytes = new Uint8Array(length);
  bytes.set(picture.subarray(0, 33));
  new DataView(bytes.buffer).setUint32(33, length);
  bytes.set(new TextEncoder().encode("IDAT"), 37);
  return bytes;
}

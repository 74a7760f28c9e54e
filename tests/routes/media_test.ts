import assert from "node:assert/strict";
import { startApp, type TestApp } from "../helpers/app.ts";
import { draftOf, ingest, jpeg } from "../helpers/photos.ts";
import { png } from "../helpers/pictures.ts";

const DAY = 86_400_000;

const newUrl = async (app: TestApp, tone = 1) =>
  (await draftOf(await ingest(app, [await jpeg(tone)]))).photos[0]!.media.url;

Deno.test("GET /media shows a photo as bytes that browsers may keep", async () => {
  await using app = await startApp();
  const url = await newUrl(app);
  assert.match(url, /^\/media\/[0-9a-f]{64}\.jpg\?signature=[\w.-]+$/);
  const shown = await app.app.request(url);
  assert.equal(shown.headers.get("Content-Type"), "image/jpeg");
  assert.equal(shown.headers.get("X-Content-Type-Options"), "nosniff");
  assert.match(shown.headers.get("Content-Security-Policy")!, /sandbox/);
  const etag = shown.headers.get("ETag")!;
  assert.ok(url.includes(etag.replaceAll('"', "")), "the content names its version");
  const again = await app.app.request(url, { headers: { "If-None-Match": etag } });
  assert.equal(again.status, 304);
  const part = await app.app.request(url, { headers: { Range: "bytes=0-1" } });
  assert.deepEqual([part.status, [...await part.bytes()]], [206, [0xff, 0xd8]]);
});

Deno.test("a photo's link is the same all day, another the next day, and good for seven", async () => {
  await using app = await startApp();
  const { id, photos } = await draftOf(await ingest(app, [await jpeg()]));
  const read = async () => {
    const draft = await (await app.request(`/api/v1/listings/${id}`)).json();
    return draft.photos[0].media.url as string;
  };
  const first = photos[0]!.media.url;
  assert.equal(await read(), first);
  await app.clock.advance(DAY);
  assert.notEqual(await read(), first);
  await app.clock.advance(6 * DAY);
  assert.equal((await app.app.request(first)).status, 200);
  await app.clock.advance(DAY);
  assert.equal((await app.app.request(first)).status, 410);
  assert.equal((await app.app.request(await read())).status, 200);
});

Deno.test("GET /media refuses every link that was changed, and other files' signatures", async () => {
  await using app = await startApp({ steps: [] });
  const [url, other] = [await newUrl(app, 1), await newUrl(app, 2)];
  const [path, query] = url.split("?");
  const { id } = await (await app.upload(png())).json();
  const file = await (await app.request(`/images/${id}/download-url`)).json();
  const changed = [
    path!,
    `${path}?signature=`,
    `${path}?${other.split("?")[1]}`,
    `${path}?signature=${file.url.split("/").at(-1)}`,
    `${url}&x=1`,
    `${url}&${query}`,
    `${url}A`,
    url.slice(0, -1),
    url.replace("signature=", "signature=A"),
    url.replace("/media/", "/media/0"),
    `/media/${id}?${query}`,
  ];
  for (const link of changed) {
    assert.equal((await app.app.request(link)).status, 403, link);
  }
  const signature = query!.replace("signature=", "");
  const asFile = await app.app.request(`/files/signed/${signature}`);
  assert.equal(asFile.status, 404, "a photo's signature opens nothing else");
});

Deno.test("a photo's link ends with its tenant and with its last draft", async () => {
  await using app = await startApp();
  const { id, photos } = await draftOf(await ingest(app, [await jpeg()]));
  const { url } = photos[0]!.media;
  const { tenants } = app.services;
  await tenants.patch(app.tenant.id, { active: false }, "master");
  assert.equal((await app.app.request(url)).status, 410);
  await tenants.patch(app.tenant.id, { active: true }, "master");
  assert.equal((await app.app.request(url)).status, 200);
  await app.request(`/api/v1/listings/${id}`, { method: "DELETE" });
  assert.equal((await app.app.request(url)).status, 404);
});

Deno.test("MEDIA_BASE_URL begins every photo's address", async () => {
  await using app = await startApp({
    env: { MEDIA_BASE_URL: "https://photos.example.com/media/" },
  });
  assert.match(await newUrl(app), /^https:\/\/photos\.example\.com\/media\/[0-9a-f]{64}\.jpg\?/);
});

Deno.test("GET /api/v1/health is open", async () => {
  await using app = await startApp();
  const response = await app.app.request("/api/v1/health");
  assert.deepEqual([response.status, await response.json()], [200, { status: "ok" }]);
});

import assert from "node:assert/strict";
import { tables } from "../../lib/tables.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { png } from "../helpers/pictures.ts";
import { recount } from "../helpers/recount.ts";

async function uploaded(app: TestApp, width = 400, height = 200): Promise<string> {
  return (await (await app.upload(png(width, height), "sea view.png")).json()).id;
}

async function variantsOf(app: TestApp, id: string) {
  return Object.values(await app.services.db.get(tables.variants.key(app.tenant.id, id)) ?? {});
}

/** The format of a picture by its first bytes. */
function formatOf(bytes: Uint8Array): string | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 12));
  if (start.startsWith("\xff\xd8\xff")) return "jpeg";
  if (/^RIFF[^]{4}WEBP/.test(start)) return "webp";
  if (start.slice(4) === "ftypavif") return "avif";
}

Deno.test("GET /images/{id}/render makes the sizes that are asked for", async () => {
  await using app = await startApp();
  const id = await uploaded(app);
  const cases: [query: string, width: number, height: number][] = [
    ["w=100", 100, 50],
    ["h=100", 200, 100],
    ["w=120&h=120", 120, 60],
    ["w=90&h=60&fit=cover", 90, 60],
    ["w=60&fit=cover", 60, 30],
    ["w=4000", 400, 200],
    ["", 400, 200],
    ["preset=small", 160, 80],
    ["preset=small&w=80", 80, 40],
  ];
  const sizes = [];
  for (const [query] of cases) {
    const before = (await variantsOf(app, id)).map(({ key }) => key);
    const response = await app.request(`/images/${id}/render?${query}`);
    assert.equal(response.status, 200, query);
    assert.equal(formatOf(await response.bytes()), "jpeg");
    const etag = response.headers.get("ETag");
    const all = await variantsOf(app, id);
    const made = all.find(({ key }) => etag === `"${key.split("/").at(-1)}"`)!;
    assert.equal(before.includes(made.key), query === "", "the same size again is the same file");
    sizes.push([query, made.width, made.height]);
  }
  assert.deepEqual(sizes, cases);
  await app.drain();
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
});

Deno.test("the format is the one asked for, else the one that Accept prefers, else JPEG", async () => {
  await using app = await startApp();
  const id = await uploaded(app);
  const cases: [query: string, accept: string, format: string][] = [
    ["format=webp", "", "webp"],
    ["format=avif", "image/webp", "avif"],
    ["format=jpeg", "image/avif", "jpeg"],
    ["", "", "jpeg"],
    ["", "*/*", "jpeg"],
    ["", "image/avif,image/webp,image/*,*/*;q=0.8", "avif"],
    ["", "image/webp, image/avif;q=0.5", "webp"],
    ["", "image/avif;q=0, image/webp", "webp"],
    ["", "text/html", "jpeg"],
    ["preset=medium", "image/webp", "webp"],
  ];
  for (const [query, accept, format] of cases) {
    const headers = { Accept: accept };
    const response = await app.request(`/images/${id}/render?w=64&${query}`, { headers });
    assert.equal(response.headers.get("Content-Type"), `image/${format}`, `${query} ${accept}`);
    assert.equal(formatOf(await response.bytes()), format, `${query} ${accept}`);
    assert.equal(response.headers.get("Vary"), query.startsWith("format") ? null : "Accept");
  }
});

Deno.test("the portable engine offers the formats that it writes", async () => {
  await using app = await startApp({ env: { IMAGE_ENGINE: "imagescript" } });
  const id = await uploaded(app);
  const headers = { Accept: "image/avif,image/webp" };
  const response = await app.request(`/images/${id}/render?w=64`, { headers });
  const writes = app.services.imaging.writes();
  assert.ok(!writes.includes("avif"));
  assert.equal(formatOf(await response.bytes()), writes.includes("webp") ? "webp" : "jpeg");
  const refused = await app.request(`/images/${id}/render?format=avif`);
  assert.equal(refused.status, 415);
  assert.match((await refused.json()).detail, /imagescript cannot write avif/);
});

Deno.test("what was rendered is kept: an ETag, immutable, one decode for all", async () => {
  await using app = await startApp();
  const id = await uploaded(app);
  const before = app.services.imaging.stats().jobs;
  const path = `/images/${id}/render?w=50&q=70`;
  const answers = await Promise.all(Array.from({ length: 20 }, () => app.request(path)));
  const again = await app.request(path, {
    headers: { "If-None-Match": answers[0]!.headers.get("ETag")! },
  });
  assert.equal(again.status, 304);
  assert.equal(again.headers.get("Cache-Control"), "private, max-age=31536000, immutable");
  assert.match(again.headers.get("Content-Disposition")!, /^inline; filename="sea view\.jpg"$/);
  assert.equal(app.services.imaging.stats().jobs - before, 1);
  for (const answer of answers) await answer.body?.cancel();
  const range = await app.request(path, { headers: { Range: "bytes=0-1" } });
  assert.deepEqual([range.status, [...await range.bytes()]], [206, [0xff, 0xd8]]);
});

Deno.test("an image has at most fifty variants, also when many are asked for at once", async () => {
  await using app = await startApp();
  const id = await uploaded(app, 100, 100);
  const render = (w: number) => app.request(`/images/${id}/render?w=${w}`);
  const answers = await Promise.all(Array.from({ length: 60 }, (_, i) => render(i + 1)));
  const statuses = answers.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, 50);
  assert.equal(statuses.filter((status) => status === 409).length, 10);
  assert.equal((await variantsOf(app, id)).length, 50);
  const made = statuses.indexOf(200) + 1;
  assert.equal((await render(made)).status, 200, "those that are there stay");
  assert.equal((await app.request(`/api/images/${id}/thumbnails/small`)).status, 200);
  for (const answer of answers) await answer.body?.cancel();
  await app.drain();
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
});

Deno.test("GET /images/{id}/render refuses what it cannot make", async () => {
  await using app = await startApp();
  const id = await uploaded(app);
  const wrong = ["w=0", "w=4097", "h=-1", "w=1.5", "w=x", "fit=fill", "format=png", "q=0", "q=101"];
  for (const query of [...wrong, "preset=huge"]) {
    assert.equal((await app.request(`/images/${id}/render?${query}`)).status, 422, query);
  }
  const thread = await uploaded(app, 1, 3_000);
  const cover = await app.request(`/images/${thread}/render?w=4096&h=4096&fit=cover`);
  assert.equal(cover.status, 422);
  assert.match((await cover.json()).detail, /too narrow/);
  const torn = await (await app.upload(png(200, 100).slice(0, 5_000))).json();
  assert.equal((await app.request(`/images/${torn.id}/render?w=10`)).status, 422);
  assert.deepEqual([...await variantsOf(app, id), ...await variantsOf(app, torn.id)], []);
});

Deno.test("renditions are their tenant's, and go with their image", async () => {
  await using app = await startApp();
  const id = await uploaded(app);
  const other = await app.asTenant();
  await (await app.request(`/images/${id}/render?w=50`)).bytes();
  const { url } = await (await app.request(`/images/${id}/render-url?w=50`)).json();
  assert.equal((await other.request(`/images/${id}/render?w=50`)).status, 404);
  assert.equal((await other.request(`/images/${id}/render-url?w=50`)).status, 404);
  assert.equal((await app.request(`/images/${id}`, { method: "DELETE" })).status, 204);
  assert.equal((await app.app.request(url)).status, 404);
  for await (const { key } of app.services.storage.list("")) assert.fail(`left behind: ${key}`);
});

Deno.test("erasing a client takes what was rendered along", async () => {
  await using app = await startApp();
  const { tenant, key, request } = await app.asTenant();
  const { id } = await (await app.upload(png(), "a.png", key)).json();
  await (await request(`/images/${id}/render?w=4`)).bytes();
  await app.services.erasures.erase(tenant.id, tenant.name, "test");
  for await (const object of app.services.storage.list("")) assert.fail(`left: ${object.key}`);
  assert.equal(await app.services.db.get(tables.variants.key(tenant.id, id)), null);
});

Deno.test("a signed link shows the one picture that it was made for, without a key", async () => {
  await using app = await startApp();
  const id = await uploaded(app);
  const { url, expires_at } = await (await app.request(
    `/images/${id}/render-url?w=80&h=80&fit=cover&format=webp&q=60&expires_in=60`,
  )).json();
  assert.equal(Date.parse(expires_at), app.clock.now() + 60_000);
  const shown = await app.app.request(`${url}?w=4000&format=avif`);
  assert.equal(shown.status, 200);
  assert.equal(formatOf(await shown.bytes()), "webp");
  assert.equal(shown.headers.get("Cross-Origin-Resource-Policy"), "cross-origin");
  const [made] = await variantsOf(app, id);
  assert.deepEqual([made?.width, made?.height], [80, 80]);

  const { url: same } = await (await app.request(
    `/images/${id}/render-url?q=60&format=webp&fit=cover&h=80&w=80&expires_in=60`,
  )).json();
  assert.equal(same, url, "one picture has one spelling");
  for (let at = url.indexOf("render/") + 7; at < url.length; at += 3) {
    const forged = url.slice(0, at) + (url[at] === "A" ? "B" : "A") + url.slice(at + 1);
    assert.equal((await app.app.request(forged)).status, 403, forged);
  }
  const file = await (await app.request(`/images/${id}/download-url`)).json();
  const token = file.url.split("/").at(-1);
  assert.equal((await app.app.request(`/files/signed/render/${token}`)).status, 403);
  assert.equal((await app.app.request(url.replace("render/", ""))).status, 403);
  await app.clock.advance(60_000);
  assert.equal((await app.app.request(url)).status, 410);
});

Deno.test("a signed link without a format leaves it to who follows it", async () => {
  await using app = await startApp();
  const id = await uploaded(app);
  const { url } = await (await app.request(`/images/${id}/render-url?w=40`)).json();
  const shown = await app.app.request(url, { headers: { Accept: "image/avif,image/webp" } });
  assert.equal(formatOf(await shown.bytes()), "avif");
  assert.equal(shown.headers.get("Vary"), "Accept");
});

Deno.test("RENDER_ENABLED=false switches rendering off, not thumbnails", async () => {
  await using app = await startApp({ env: { RENDER_ENABLED: "false" } });
  const id = await uploaded(app);
  for (const path of [`/images/${id}/render`, `/images/${id}/render-url`]) {
    const response = await app.request(path);
    assert.equal(response.status, 403);
    assert.match((await response.json()).detail, /RENDER_ENABLED/);
  }
  assert.equal((await app.app.request("/files/signed/render/x.y")).status, 403);
  const thumbnail = await app.request(`/api/images/${id}/thumbnails/small`);
  assert.equal(formatOf(await thumbnail.bytes()), "jpeg");
});

import assert from "node:assert/strict";
import type { FeedItem } from "../../lib/model/feed.ts";
import { objectsNamed } from "../../lib/objects.ts";
import { createMemoryStorage } from "../../lib/storage/memory.ts";
import { tables } from "../../lib/tables.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { draftOf, ingest, jpeg, type Photo } from "../helpers/photos.ts";
import { png } from "../helpers/pictures.ts";
import { recount } from "../helpers/recount.ts";

const fixture = (name: string) => Deno.readFile(new URL(`../fixtures/${name}`, import.meta.url));

const keysOf = async ({ services }: TestApp) => {
  const keys: string[] = [];
  for await (const { key } of services.storage.list("")) keys.push(key);
  return keys;
};

const used = async ({ services, tenant }: TestApp) =>
  (await services.quotas.read(tenant)).used_bytes;

/** Nothing of a refused batch may be anywhere. */
async function assertNothingLeft(app: TestApp) {
  assert.deepEqual(await keysOf(app), []);
  assert.equal(await used(app), 0);
  for (const table of [tables.drafts, tables.draftsByStatus, tables.media]) {
    for await (const { key } of app.services.db.list({ prefix: table.prefix() })) {
      assert.fail(`left behind: ${key}`);
    }
  }
}

Deno.test("POST /api/v1/ingest/upload makes a draft of a photo", async () => {
  await using app = await startApp();
  const response = await ingest(app, [await jpeg(200, 800, 600)]);
  assert.equal(response.status, 201);
  const draft = await draftOf(response);
  assert.equal(response.headers.get("Location"), `/api/v1/listings/${draft.id}`);
  const { media, order_index } = draft.photos[0]!;
  assert.deepEqual(Object.keys(draft).toSorted(), [
    ...["description", "id", "photos", "price_suggested", "status", "title"],
  ]);
  assert.deepEqual([draft.status, draft.title, draft.description, draft.price_suggested], [
    ...["draft", "", "", null],
  ]);
  assert.deepEqual([draft.photos.length, order_index], [1, 0]);
  assert.deepEqual([media.width, media.height, media.mime], [800, 600, "image/jpeg"]);
  assert.ok(media.url.startsWith("/media/"));
  const shown = await app.app.request(media.url);
  assert.deepEqual([shown.status, shown.headers.get("Content-Type")], [200, "image/jpeg"]);
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
});

Deno.test("POST /api/v1/ingest/upload keeps twenty photos in their order, and tells the progress", async () => {
  await using app = await startApp();
  const photos = await Promise.all(
    Array.from({ length: 20 }, (_, i) => jpeg(i * 12, 100 + i, 50)),
  );
  const draft = await draftOf(await ingest(app, photos, { title: "  Blue coat " }));
  assert.equal(draft.title, "Blue coat");
  assert.deepEqual(
    draft.photos.map(({ media, order_index }) => [media.width, order_index]),
    photos.map((_, i) => [100 + i, i]),
  );
  const told: unknown[] = [];
  const prefix = tables.feed.prefix(app.tenant.id);
  for await (const { value } of app.services.db.list<FeedItem>({ prefix })) {
    if (value.type === "ingest.progress") told.push(value.data);
  }
  const each = Array.from({ length: 21 }, (_, done) => ({ draft_id: draft.id, done, total: 20 }));
  assert.deepEqual(told, each);
  assert.equal((await keysOf(app)).length, 20, "the photos as they came are gone");
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
});

Deno.test("POST /api/v1/ingest/upload refuses what is too much or nothing", async () => {
  await using app = await startApp({
    env: { MAX_FILE_SIZE_MB: "0.02", MAX_UPLOADS_PER_REQUEST: "3" },
  });
  const small = await jpeg();
  const large = {
    name: "large.jpg",
    bytes: new Uint8Array([...small.bytes, ...new Uint8Array(30_000)]),
  };
  const wrongField = new FormData();
  wrongField.append("file", new File([small.bytes], "a.jpg"));
  const cases: [Response, number, RegExp][] = [
    [await ingest(app, []), 400, /^No files provided$/],
    [
      await app.request("/api/v1/ingest/upload", { method: "POST", body: wrongField }),
      400,
      /^No files provided$/,
    ],
    [await ingest(app, [small, small, small, small]), 413, /^Too many files \(>3\)$/],
    [await ingest(app, [small, large]), 413, /large\.jpg/],
    [await ingest(app, [small], { title: "x".repeat(161) }), 422, /title/],
  ];
  for (const [response, status, detail] of cases) {
    const problem = await response.json();
    assert.equal(response.status, status, problem.detail);
    assert.match(problem.detail, detail);
  }
  await assertNothingLeft(app);
});

Deno.test("one bad photo refuses the batch by its name, and leaves nothing", async () => {
  await using app = await startApp({ env: { INGEST_RATE_LIMIT_PER_MINUTE: "100" } });
  const good = await Promise.all([10, 20, 30].map((tone) => jpeg(tone)));
  const torn = (await jpeg(40)).bytes;
  const bad: [Photo, number][] = [
    [{ name: "notes.jpg", bytes: new TextEncoder().encode("just words") }, 415],
    [{ name: "drawing.svg", bytes: new TextEncoder().encode("<svg/>") }, 415],
    [{ name: "torn.jpg", bytes: torn.slice(0, 150) }, 422],
    [{ name: "bomb.png", bytes: await fixture("huge_header.png") }, 422],
    [{ name: "pixels.png", bytes: png(64, 64).slice(0, 200) }, 422],
    [{ name: "empty.jpg", bytes: new Uint8Array() }, 422],
  ];
  for (const [photo, status] of bad) {
    for (const at of [0, 1, 3]) {
      const response = await ingest(app, good.toSpliced(at, 0, photo));
      const { detail } = await response.json();
      assert.equal(response.status, status, `${photo.name}: ${detail}`);
      assert.ok(detail.includes(`"${photo.name}"`), detail);
      await assertNothingLeft(app);
    }
  }
  const { items } = await (await app.request("/api/images?limit=200")).json();
  const names = items.filter(({ status }: { status: string }) => status === "failed")
    .map(({ original_name }: { original_name: string }) => original_name);
  assert.equal(names.length, 3 * bad.length, "each refusal is recorded");
  assert.deepEqual([...new Set(names)].toSorted(), bad.map(([{ name }]) => name).toSorted());
});

Deno.test("a batch that does not fit the quota leaves nothing", async () => {
  await using app = await startApp();
  const photos = await Promise.all([10, 20, 30].map((tone) => jpeg(tone)));
  await app.services.tenants.patch(app.tenant.id, { quota_bytes: 1_000 }, "master");
  assert.equal((await ingest(app, photos)).status, 507);
  await assertNothingLeft(app);
});

Deno.test("a batch whose storage fails leaves nothing but what the sweep takes", async () => {
  let puts = 0;
  const storage = createMemoryStorage({
    now: () => 0,
    intercept: (operation) => {
      if (operation === "put" && ++puts === 4) throw new Error("the disk broke");
    },
  });
  await using app = await startApp({ storage });
  const photos = await Promise.all([10, 20, 30].map((tone) => jpeg(tone)));
  assert.equal((await ingest(app, photos)).status, 500);
  await assertNothingLeft(app);
});

Deno.test("the sweep takes photos that a crash left, and none that a draft shows", async () => {
  await using app = await startApp({ storage: createMemoryStorage({ now: () => 0 }) });
  const draft = await draftOf(await ingest(app, [await jpeg()]));
  const { storage } = app.services;
  const [kept] = await keysOf(app);
  const [, , name] = kept!.split("/");
  for (const left of ["raw", name]) {
    await storage.put(`${app.tenant.id}/${crypto.randomUUID()}/${left}`, new Uint8Array(9));
  }
  assert.equal(await app.worker.orphans.sweep(1), 2);
  assert.deepEqual(await keysOf(app), [kept]);
  assert.equal((await app.app.request(draft.photos[0]!.media.url)).status, 200);
  const named = [];
  for await (const { key } of objectsNamed(app.services.db, app.tenant.id)) named.push(key);
  assert.deepEqual(named, [kept], "and a backup takes it along");
});

Deno.test("a photo is stored and charged once, and goes with the last draft that shows it", async () => {
  await using app = await startApp();
  const photo = await jpeg(77);
  const first = await draftOf(await ingest(app, [photo, photo]));
  const size = await used(app);
  assert.ok(size > 0);
  const second = await draftOf(await ingest(app, [photo]));
  assert.deepEqual([await used(app), (await keysOf(app)).length], [size, 1]);
  const ids = [...first.photos, ...second.photos].map(({ media }) => media.id);
  assert.equal(new Set(ids).size, 1);
  assert.deepEqual(first.photos.map(({ order_index }) => order_index), [0, 1]);
  const { db, storage } = app.services;
  assert.deepEqual(await recount(db, storage), []);
  for (const [draft, left] of [[first, 1], [second, 0]] as const) {
    const deleted = await app.request(`/api/v1/listings/${draft.id}`, { method: "DELETE" });
    assert.equal(deleted.status, 204);
    assert.deepEqual([await used(app), (await keysOf(app)).length], [left * size, left]);
    assert.deepEqual(await recount(db, storage), []);
  }
});

Deno.test("the same photo in many requests at once, while drafts are deleted, is counted right", async () => {
  await using app = await startApp({ env: { INGEST_RATE_LIMIT_PER_MINUTE: "1000" } });
  const photos = await Promise.all([1, 2].map((tone) => jpeg(tone)));
  const { db, storage } = app.services;
  await Promise.all(Array.from({ length: 12 }, async (_, i) => {
    const draft = await draftOf(await ingest(app, i % 3 ? photos : [photos[0]!]));
    if (i % 2) await app.request(`/api/v1/listings/${draft.id}`, { method: "DELETE" });
  }));
  assert.deepEqual(await recount(db, storage), []);
  const { items } = await (await app.request("/api/v1/listings")).json();
  assert.equal(items.length, 6);
  await Promise.all(
    items.map(({ id }: { id: string }) =>
      app.request(`/api/v1/listings/${id}`, { method: "DELETE" })
    ),
  );
  await assertNothingLeft(app);
});

Deno.test("the same photo of two tenants is two photos", async () => {
  await using app = await startApp();
  const photo = await jpeg(50);
  const other = await app.asTenant();
  const mine = await draftOf(await ingest(app, [photo]));
  const theirs = await draftOf(await ingest(app, [photo], { key: other.key }));
  assert.notEqual(mine.photos[0]!.media.id, theirs.photos[0]!.media.id);
  assert.equal((await keysOf(app)).length, 2);
});

Deno.test("an upload repeated with its Idempotency-Key makes one draft", async () => {
  await using app = await startApp();
  const photos = [await jpeg(1), await jpeg(2)];
  const headers = { "Idempotency-Key": "k1" };
  const first = await ingest(app, photos, { headers, title: "Coat" });
  const again = await ingest(app, photos, { headers, title: "Coat" });
  assert.deepEqual([first.status, again.status], [201, 201]);
  assert.equal(again.headers.get("Idempotency-Replayed"), "true");
  assert.deepEqual(await again.json(), await first.json());
  assert.equal((await ingest(app, photos, { headers, title: "Hat" })).status, 422);
  assert.equal((await ingest(app, photos.toReversed(), { headers, title: "Coat" })).status, 422);
  const { items } = await (await app.request("/api/v1/listings")).json();
  assert.equal(items.length, 1);
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
});

Deno.test("ingest has a limit of its own", async () => {
  await using app = await startApp({ env: { INGEST_RATE_LIMIT_PER_MINUTE: "2" } });
  const statuses: number[] = [];
  for (let i = 0; i < 3; i++) statuses.push((await ingest(app, [])).status);
  assert.deepEqual(statuses, [400, 400, 429]);
  assert.equal((await app.request("/api/v1/listings")).status, 200);
});

Deno.test("a tenant erased with its photos leaves no trace", async () => {
  await using app = await startApp();
  await ingest(app, [await jpeg(5), await jpeg(6)]);
  const receipt = await app.services.erasures.erase(app.tenant.id, "default", "master");
  assert.equal(receipt.erased.objects, 2);
  await assertNothingLeft(app);
});

Deno.test("a tenant erased while its photos come in leaves no trace", async () => {
  await using app = await startApp();
  const { db, erasures } = app.services;
  const batches = [1, 2, 3].map(async (tone) =>
    await ingest(app, await Promise.all([tone, tone + 9, tone + 99].map((some) => jpeg(some))))
  );
  await batches[0];
  await erasures.erase(app.tenant.id, "default", "master");
  for (const { status } of await Promise.all(batches)) {
    assert.ok([201, 401, 404].includes(status), String(status));
  }
  await assertNothingLeft(app);
  for await (const { key } of db.list({ prefix: tables.feed.prefix() })) assert.fail(`${key}`);
});

Deno.test("POST /api/v1/ingest/photos makes the same draft of photos at addresses", async () => {
  const photo = await jpeg(120);
  await withSite(photo, async (app, site) => {
    const uploaded = await draftOf(await ingest(app, [photo]));
    const fetched = await draftOf(
      await fromAddresses(app, [`${site}/a.jpg`, `${site}/moved`], "Hat"),
    );
    assert.equal(fetched.title, "Hat");
    assert.deepEqual(
      fetched.photos.map(({ media }) => media.id),
      [...uploaded.photos, ...uploaded.photos].map(({ media }) => media.id),
    );
    assert.deepEqual(await recount(app.services.db, app.services.storage), []);
  });
});

Deno.test("POST /api/v1/ingest/photos gives one answer for every address that it cannot read", async () => {
  const photo = await jpeg(120);
  await withSite(photo, async (app, site) => {
    const bodies = new Set<string>();
    const hopeless = [`${site}/missing`, `${site}/huge`, "http://127.0.0.1:1/", "http://10.0.0.1/"];
    for (const url of [...hopeless, "file:///etc/passwd", "x"]) {
      const response = await fromAddresses(app, [`${site}/a.jpg`, url]);
      assert.equal(response.status, 422, url);
      const { request_id: _, ...body } = await response.json();
      bodies.add(JSON.stringify(body));
    }
    assert.equal(bodies.size, 1);
    const page = await fromAddresses(app, [`${site}/a.jpg`, `${site}/page`]);
    assert.equal(page.status, 415);
    assert.equal((await fromAddresses(app, [])).status, 400);
    const many = await fromAddresses(app, new Array(21).fill(`${site}/a.jpg`));
    assert.equal(many.status, 413);
    await assertNothingLeft(app);
  });
});

const fromAddresses = (app: TestApp, urls: string[], title?: string) =>
  app.request("/api/v1/ingest/photos", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ urls, title }),
  });

/** The app, and a site on loopback that it may read. */
async function withSite(photo: Photo, test: (app: TestApp, site: string) => Promise<void>) {
  const answers: Record<string, () => Response> = {
    "/a.jpg": () => new Response(photo.bytes, { headers: { "Content-Type": "image/jpeg" } }),
    "/moved": () => new Response(null, { status: 302, headers: { Location: "/a.jpg" } }),
    "/huge": () =>
      new Response(new Uint8Array(200_000), { headers: { "Content-Type": "image/jpeg" } }),
    "/page": () => new Response("<p>no photo</p>", { headers: { "Content-Type": "text/html" } }),
  };
  const site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const answer = answers[new URL(request.url).pathname];
    return answer?.() ?? new Response("nothing", { status: 404 });
  });
  try {
    await using app = await startApp({
      env: {
        FETCH_ALLOWED_NETS: "127.0.0.1/32",
        MAX_FILE_SIZE_MB: "0.1",
        INGEST_RATE_LIMIT_PER_MINUTE: "100",
      },
    });
    await test(app, `http://127.0.0.1:${site.addr.port}`);
  } finally {
    await site.shutdown();
  }
}

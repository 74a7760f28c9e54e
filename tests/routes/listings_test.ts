import assert from "node:assert/strict";
import type { Draft } from "../../lib/model/draft.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { startFakeAi } from "../helpers/fake_ai.ts";
import { draftOf, ingest, jpeg } from "../helpers/photos.ts";
import { recount } from "../helpers/recount.ts";

const send = (
  { request }: Pick<TestApp, "request">,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) =>
  request(`/api/v1/listings/${path}`, {
    method,
    headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

const newDraft = async (app: TestApp, tones: number[], title?: string) =>
  await draftOf(await ingest(app, await Promise.all(tones.map((tone) => jpeg(tone))), { title }));

const mediaIds = ({ photos }: Draft) => photos.map(({ media }) => media.id);

Deno.test("GET /api/v1/listings pages through all drafts, newest first, or those of a status", async () => {
  await using app = await startApp();
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.push((await newDraft(app, [i], `Coat ${i}`)).id);
  for (const id of [ids[1], ids[3]]) await send(app, "POST", `${id}/publish`);
  const walk = async (query: string) => {
    const seen: string[] = [];
    for (let path: string | undefined = `/api/v1/listings?limit=2${query}`; path;) {
      const response: Response = await app.request(path);
      const { items } = await response.json();
      seen.push(...items.map(({ id }: Draft) => id));
      path = response.headers.get("Link")?.match(/<(.+)>; rel="next"/)?.[1];
    }
    return seen;
  };
  assert.deepEqual(await walk(""), ids.toReversed());
  assert.deepEqual(await walk("&status=published"), [ids[3], ids[1]]);
  assert.deepEqual(await walk("&status=draft"), [ids[4], ids[2], ids[0]]);
  assert.equal((await app.request("/api/v1/listings?status=sold")).status, 422);
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
});

Deno.test("PATCH changes words, price, and the photos' order, and removes what is left out", async () => {
  await using app = await startApp();
  const draft = await newDraft(app, [1, 2, 3]);
  const [a, b, c] = mediaIds(draft);
  const patch = { title: "Coat", description: "Warm", price_suggested: 12.5, photos: [c, a] };
  const answer = await send(app, "PATCH", draft.id, patch);
  assert.equal(answer.status, 200);
  const changed: Draft = await answer.json();
  assert.deepEqual([changed.title, changed.description, changed.price_suggested], [
    ...["Coat", "Warm", 12.5],
  ]);
  assert.deepEqual(mediaIds(changed), [c, a]);
  assert.deepEqual(changed.photos.map(({ order_index }) => order_index), [0, 1]);
  assert.deepEqual(await (await send(app, "GET", draft.id)).json(), changed);
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
  const gone = draft.photos.find(({ media }) => media.id === b)!;
  assert.equal((await app.app.request(gone.media.url)).status, 404);
  const priceless = await send(app, "PATCH", draft.id, { price_suggested: null });
  assert.equal((await priceless.json()).price_suggested, null);
});

Deno.test("PATCH refuses what does not fit, and another draft's photos, and changes nothing", async () => {
  await using app = await startApp();
  const [draft, other] = [await newDraft(app, [1, 2]), await newDraft(app, [3])];
  const [a] = mediaIds(draft);
  const refused: unknown[] = [
    ...[{ title: "x".repeat(161) }, { description: "x".repeat(4_001) }, { title: null }],
    ...[{ price_suggested: -1 }, { price_suggested: "12" }, { status: "published" }],
    ...[{ tenant: app.tenant.id }, { photos: mediaIds(other) }, { photos: [a, a] }],
    ...[{ photos: [crypto.randomUUID()] }, { photos: ["x"] }, { photos: null }],
  ];
  for (const patch of refused) {
    const { status } = await send(app, "PATCH", draft.id, patch);
    assert.equal(status, 422, JSON.stringify(patch));
  }
  assert.deepEqual(await (await send(app, "GET", draft.id)).json(), draft);
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
});

Deno.test("a photo that stands twice in a draft may be kept twice or once", async () => {
  await using app = await startApp();
  const draft = await newDraft(app, [1, 1]);
  const [a] = mediaIds(draft);
  assert.equal((await send(app, "PATCH", draft.id, { photos: [a, a] })).status, 200);
  assert.equal((await send(app, "PATCH", draft.id, { photos: [a] })).status, 200);
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
  assert.equal((await send(app, "PATCH", draft.id, { photos: [] })).status, 200);
  assert.equal((await app.services.quotas.read(app.tenant)).used_bytes, 0);
});

Deno.test("changes hold to If-Match, and reads to If-None-Match", async () => {
  await using app = await startApp();
  const created = await ingest(app, [await jpeg()]);
  const { id } = await draftOf(created);
  const etag = created.headers.get("ETag")!;
  const known = await send(app, "GET", id, undefined, { "If-None-Match": etag });
  assert.equal(known.status, 304);
  const match = { "If-Match": etag };
  const changed = await send(app, "PATCH", id, { title: "Coat" }, match);
  assert.equal(changed.status, 200);
  for (
    const [method, path, body] of [["PATCH", id, {}], ["POST", `${id}/publish`], ["DELETE", id]]
  ) {
    const { status } = await send(app, String(method), String(path), body, match);
    assert.equal(status, 412, `${method}`);
  }
  const now = changed.headers.get("ETag")!;
  assert.equal((await send(app, "GET", id)).headers.get("ETag"), now);
  assert.equal((await send(app, "DELETE", id, undefined, { "If-Match": now })).status, 204);
});

Deno.test("publish needs a title and a photo, and a published listing keeps them", async () => {
  await using app = await startApp();
  const draft = await newDraft(app, [1]);
  const publish = () => send(app, "POST", `${draft.id}/publish`);
  const untitled = await publish();
  assert.deepEqual([untitled.status, /title/.test((await untitled.json()).detail)], [400, true]);
  await send(app, "PATCH", draft.id, { title: "Coat", photos: [] });
  const bare = await publish();
  assert.deepEqual([bare.status, /photo/.test((await bare.json()).detail)], [400, true]);

  const whole = await newDraft(app, [1], "Coat");
  for (let i = 0; i < 2; i++) {
    const answer = await send(app, "POST", `${whole.id}/publish`);
    assert.deepEqual([answer.status, (await answer.json()).status], [200, "published"]);
  }
  for (const patch of [{ title: " " }, { photos: [] }]) {
    assert.equal((await send(app, "PATCH", whole.id, patch)).status, 400);
  }
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
});

Deno.test("another tenant's listing answers exactly as one that does not exist", async () => {
  await using app = await startApp();
  const { id } = await newDraft(app, [1], "Coat");
  const other = await app.asTenant();
  const calls: [method: string, path: (id: string) => string, body?: unknown][] = [
    ["GET", (id) => id],
    ["PATCH", (id) => id, { title: "Mine" }],
    ["DELETE", (id) => id],
    ["POST", (id) => `${id}/publish`],
    ["POST", (id) => `${id}/suggest`, {}],
  ];
  for (const [method, path, body] of calls) {
    const answers = await Promise.all([id, crypto.randomUUID()].map(async (some) => {
      const response = await send(other, method, path(some), body);
      const text = await response.text();
      return [response.status, text.replaceAll(some, "ID").replace(/"request_id":"[^"]+"/, "")];
    }));
    assert.deepEqual(answers[0], answers[1], method);
    assert.equal(answers[0]?.[0], 404, method);
  }
  assert.equal((await (await send(app, "GET", id)).json()).title, "Coat");
});

/** The app with a fake provider. */
async function withAi(test: (app: TestApp, ai: ReturnType<typeof startFakeAi>) => Promise<void>) {
  const ai = startFakeAi({ answer: { title: "Blue wool coat" } });
  try {
    await using app = await startApp({
      env: { AI_PROVIDER: "gemini", GEMINI_API_KEY: "key", GEMINI_BASE_URL: ai.geminiBaseUrl },
    });
    await test(app, ai);
  } finally {
    await ai.close();
  }
}

Deno.test("suggest has the model write title, description and price from the photos", () =>
  withAi(async (app, ai) => {
    const draft = await newDraft(app, [1, 2, 2], "manteau bleu");
    const answer = await send(app, "POST", `${draft.id}/suggest`, { language: "français" });
    assert.equal(answer.status, 200, await answer.clone().text());
    const filled: Draft = await answer.json();
    assert.deepEqual([filled.title, filled.price_suggested], ["Blue wool coat", 12.5]);
    assert.ok(filled.description);
    const [asked] = ai.requests;
    assert.equal(asked!.pictures.length, 2, "each photo once");
    assert.match(asked!.text, /français[^]*manteau bleu/);
    const { calls } = await app.services.budgets.spending(app.tenant.id);
    assert.equal(calls, 1);
    assert.equal((await send(app, "POST", `${draft.id}/suggest`)).status, 200, "without a body");
  }));

Deno.test("suggest does not overwrite what somebody wrote meanwhile", () =>
  withAi(async (app, ai) => {
    const { id } = await newDraft(app, [1]);
    const { media } = app.services;
    const { read } = media;
    media.read = async (tenant, sha256) => {
      await send(app, "PATCH", id, { title: "My words" });
      return await read(tenant, sha256);
    };
    const answer = await send(app, "POST", `${id}/suggest`, {});
    assert.equal(answer.status, 409);
    assert.equal((await (await send(app, "GET", id)).json()).title, "My words");
    assert.equal(ai.requests.length, 1);
  }));

Deno.test("suggest is refused without photo, provider, permission or budget", async () => {
  await withAi(async (app, ai) => {
    const draft = await newDraft(app, [1]);
    const suggest = () => send(app, "POST", `${draft.id}/suggest`, {});
    const { tenants } = app.services;
    await tenants.patch(app.tenant.id, { ai_budget: { tokens_per_month: 0 } }, "master");
    assert.equal((await suggest()).status, 429);
    await tenants.patch(app.tenant.id, { ai_budget: null, external_ai: false }, "master");
    const kept = await suggest();
    assert.deepEqual([kept.status, (await kept.json()).detail], [
      ...[403, "Cannot ask: the client keeps its things from outside models"],
    ]);
    await send(app, "PATCH", draft.id, { photos: [] });
    assert.equal((await suggest()).status, 400);
    assert.equal(ai.requests.length, 0);
  });
  await using app = await startApp();
  const { id } = await newDraft(app, [1]);
  assert.equal((await send(app, "POST", `${id}/suggest`, {})).status, 503);
});

import assert from "node:assert/strict";
import { startApp } from "../helpers/app.ts";
import { startFakeAi } from "../helpers/fake_ai.ts";
import { png } from "../helpers/pictures.ts";
import type { Image } from "../../lib/model/image.ts";

type Fake = ReturnType<typeof startFakeAi>;

/** The app with a provider that is a fake server on loopback. */
async function withProvider(
  provider: "gemini" | "openai",
  test: (app: Awaited<ReturnType<typeof startApp>>, ai: Fake) => Promise<void>,
) {
  const ai = startFakeAi();
  try {
    const env: Record<string, string> = provider === "gemini"
      ? { GEMINI_API_KEY: "key", GEMINI_BASE_URL: ai.geminiBaseUrl }
      : { OPENAI_BASE_URL: ai.openaiBaseUrl };
    await using app = await startApp({ env: { AI_PROVIDER: provider, ...env } });
    await test(app, ai);
  } finally {
    await ai.close();
  }
}

for (const provider of ["gemini", "openai"] as const) {
  Deno.test(`vision describes a picture by ${provider}, and records what it used`, () =>
    withProvider(provider, async (app, ai) => {
      const { id } = await (await app.upload(png(64, 64))).json();
      await app.drain();
      const image: Image = await (await app.request(`/images/${id}`)).json();
      assert.equal(image.status, "done");
      assert.ok(image.ai?.description);
      assert.equal(image.caption, image.ai.description);
      assert.deepEqual(image.tags, image.ai.tags);
      assert.ok(image.ai_usage!.input_tokens > 0 && image.ai_usage!.output_tokens > 0);
      assert.equal(ai.requests.length, 1);
    }));
}

Deno.test("equal pictures of a tenant cost one call, also at once; reprocessing asks anew", () =>
  withProvider("gemini", async (app, ai) => {
    const uploads = await Promise.all([1, 2, 3].map(() => app.upload(png(64, 64))));
    const [{ id }] = await Promise.all(uploads.map((upload) => upload.json()));
    await app.drain();
    assert.equal(ai.requests.length, 1);
    await app.request(`/images/${id}/reprocess`, { method: "POST" });
    await app.drain();
    assert.equal(ai.requests.length, 2);
    const other = await app.asTenant();
    await app.upload(png(64, 64), "same.png", other.key);
    await app.drain();
    assert.equal(ai.requests.length, 3, "nothing is shared across tenants");
  }));

Deno.test("the preview is made for who looks at it, also when that comes later", async () => {
  const ai = startFakeAi();
  try {
    await using app = await startApp();
    const { id } = await (await app.upload(png(64, 64))).json();
    await app.drain();
    const before = await app.services.images.get(app.tenant.id, id);
    assert.deepEqual(Object.keys(before.renditions).toSorted(), ["medium", "small"]);

    await using later = await startApp({
      env: { AI_PROVIDER: "gemini", GEMINI_API_KEY: "key", GEMINI_BASE_URL: ai.geminiBaseUrl },
      db: app.services.db,
      storage: app.services.storage,
    });
    await later.services.images.reprocess(app.tenant, id, ["vision"]);
    await later.drain();
    const after = await later.services.images.get(app.tenant.id, id);
    assert.equal(after.steps.vision?.state, "done");
    assert.ok(after.renditions.preview);
  } finally {
    await ai.close();
  }
});

Deno.test("a client that keeps its pictures inside is never sent to a model", () =>
  withProvider("gemini", async (app, ai) => {
    const { request, key } = await app.asTenant({ external_ai: false });
    const { id } = await (await app.upload(png(), "a.png", key)).json();
    await app.drain();
    const { state } = await (await request(`/images/${id}/ai`)).json();
    assert.deepEqual([state, ai.requests.length], ["skipped", 0]);
  }));

Deno.test("a provider that fails leaves a partial image and a dead letter that keeps no secret", () =>
  withProvider("gemini", async (app, ai) => {
    ai.setMode("500");
    const { id } = await (await app.upload(png())).json();
    await app.drain();
    const image: Image = await (await app.request(`/images/${id}`)).json();
    assert.equal(image.status, "partial");
    assert.equal(image.steps.vision?.errors.at(-1)?.upstream_status, 500);
    assert.equal(ai.requests.length, 3);
    ai.setMode("401");
    const second = await (await app.upload(png(9, 9))).json();
    await app.drain();
    const text = await (await app.request(`/images/${second.id}`)).text();
    assert.ok(!text.includes("CANARY"));
  }));

Deno.test("a provider that is away and comes back loses no image", () =>
  withProvider("gemini", async (app, ai) => {
    ai.setMode((_, index) => index < 8 ? "503" : "ok");
    for (let i = 0; i < 6; i++) await app.upload(png(8, 8, i));
    await app.drain();
    const { items } = await (await app.request("/images")).json();
    const done = items.filter(({ status }: Image) => status === "done");
    assert.ok(done.length >= 4, `${done.length} of 6 done: the breaker spared their tries`);
    assert.ok(ai.requests.length <= 20, `${ai.requests.length} calls`);
  }));

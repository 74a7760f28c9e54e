/**
 * Plants secrets wherever Imago holds or meets one, drives it through calls that succeed and fail,
 * and looks for them in everything that others get to see.
 */
import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import { sha256Of } from "../../lib/auth/key_format.ts";
import { configureLogs } from "../../lib/logging.ts";
import { createMemoryStorage } from "../../lib/storage/memory.ts";
import type { Storage } from "../../lib/storage/storage.ts";
import { MASTER_KEY, startApp, type TestApp } from "../helpers/app.ts";
import { SECRET_CANARY, startFakeAi } from "../helpers/fake_ai.ts";
import { png } from "../helpers/pictures.ts";

const PLANTED = {
  GEMINI_API_KEY: "AIza-planted-gemini-key-1234567890",
  OPENAI_API_KEY: "sk-planted-openai-key-1234567890",
  OPENROUTER_API_KEY: "sk-or-planted-openrouter-1234567890",
  S3_ACCESS_KEY: "PLANTEDS3ACCESSKEY00",
  S3_SECRET_KEY: "planted/s3/secret/key+1234567890abcdefgh",
  METRICS_TOKEN: "planted-metrics-token-1234567890",
  API_TOKEN: "planted-api-token-1234567890",
};
const S3_SIGNATURE = "0123456789abcdef0123456789abcdef";
const PICTURE_TEXT = "PLANTED: I live at 12 Rue X";
/** As in tests/helpers/app.ts. */
const SIGNED_URL_SECRET = "a-secret-for-tests-of-more-than-32-bytes";
const ENCRYPTION_KEY = "a-key-for-tests-of-more-than-32-bytes";

/** A storage whose errors can repeat a signed address, as those of HTTP clients do. */
function createLeakyStorage() {
  const storage = createMemoryStorage();
  let leaks = false;
  const get: Storage["get"] = (key, range) => {
    if (!leaks) return storage.get(key, range);
    const url = `https://s3.example/bucket/x?X-Amz-Signature=${S3_SIGNATURE}`;
    return Promise.reject(new TypeError(`error sending request for url (${url})`));
  };
  return { storage: { ...storage, get }, leak: () => void (leaks = true) };
}

/** A picture that carries text. */
function pictureWithText(): Uint8Array<ArrayBuffer> {
  const picture = png(16, 16);
  const data = new TextEncoder().encode(`tEXtComment\0${PICTURE_TEXT}`);
  const chunk = new Uint8Array(data.length + 8);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length - 4);
  chunk.set(data, 4);
  view.setUint32(data.length + 4, crc32(data));
  const behindHeader = 8 + 25;
  return new Uint8Array([
    ...picture.subarray(0, behindHeader),
    ...chunk,
    ...picture.subarray(behindHeader),
  ]);
}

/** Calls that fail, each in its way; what they answer. */
async function failingCalls(app: TestApp, id: string): Promise<string> {
  const json = (body: unknown) => ({
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const calls: [path: string, init?: RequestInit, key?: string][] = [
    [`/images/${crypto.randomUUID()}`],
    ["/nowhere"],
    [`/images?limit=${"9".repeat(30)}`],
    ["/images?cursor=forged"],
    [`/images?api_key=${app.key}`, {}, ""],
    ["/images", {}, `${app.key}x`],
    ["/images", {}, MASTER_KEY],
    ["/auth/clients", {}, app.key],
    ["/auth/clients", json({ nonsense: true }), MASTER_KEY],
    ["/metrics", { headers: { Authorization: "Bearer wrong" } }, ""],
    ["/files/signed/forged.token"],
    ["/ai/draft-task", json({ description: "paint the fence" })],
    ["/ai/summarize", json({ url: "http://user:planted-password@127.0.0.1/" })],
    [`/images/${id}/reprocess`, json({ steps: ["none"] })],
    [`/images/${id}/status?x=${"y".repeat(5_000)}`],
  ];
  const answers = await Promise.all(
    calls.map(async ([path, init, key]) => await (await app.request(path, init, key)).text()),
  );
  return answers.join("\n");
}

Deno.test("no secret is in logs, figures, health, documents or errors", async () => {
  const lines: string[] = [];
  await configureLogs({ DEBUG: false, LOG_LEVEL: "debug", write: (line) => lines.push(line) });
  const ai = startFakeAi({ mode: "401" });
  const { storage, leak } = createLeakyStorage();
  try {
    const env = { ...PLANTED, AI_PROVIDER: "openai", OPENAI_BASE_URL: ai.openaiBaseUrl };
    await using app = await startApp({ env, storage });
    const name = "a\r\nb\u202e\u009b31m.png";
    const { id } = await (await app.upload(pictureWithText(), name)).json();
    await app.drain();
    const link = await (await app.request(`/images/${id}/download-url`)).json();
    const { pathname } = new URL(link.url);
    assert.equal((await app.request(pathname, {}, "")).status, 200);
    const letters = await (await app.request("/dead-letters")).text();
    assert.ok(JSON.parse(letters).items.length, "the model's refusal is told");
    const errors = await failingCalls(app, id);
    leak();
    await (await app.request(`/images/${id}/reprocess`, { method: "POST" })).text();
    await app.drain();
    assert.equal((await app.request(pathname, {}, "")).status, 500);
    const asOperator = { headers: { Authorization: `Bearer ${PLANTED.METRICS_TOKEN}` } };
    const shown = await Promise.all(
      ["/metrics", "/health/detailed", "/openapi.json", "/"].map(async (path) =>
        await (await app.request(path, asOperator, "")).text()
      ),
    );

    const secrets = {
      ...PLANTED,
      SECRET_CANARY,
      SIGNED_URL_SECRET,
      ENCRYPTION_KEY,
      MASTER_KEY,
      masterHash: sha256Of(MASTER_KEY),
      key: app.key,
      keyHash: sha256Of(app.key),
      signedLink: pathname.split("/").at(-1) ?? "",
      S3_SIGNATURE,
      PICTURE_TEXT,
      password: "planted-password",
    };
    const places = { logs: lines.join("\n"), errors, shown: shown.join("\n"), letters };
    for (const [name, secret] of Object.entries(secrets)) {
      for (const [place, text] of Object.entries(places)) {
        assert.ok(!text.includes(secret), `${name} is in ${place}`);
      }
    }
    assert.ok(places.logs.includes("X-Amz-Signature=[redacted]"), "the leak took place");
    for (const line of lines) assert.ok(JSON.parse(line), line);
    const requests = lines.map((line) => JSON.parse(line)).filter(({ logger }) =>
      logger === "imago.http"
    );
    assert.ok(requests.length > 15);
    for (const { properties } of requests) assert.match(properties.request_id, /^[0-9a-f-]{36}$/);
    const known = requests.filter(({ properties }) => properties.tenant === app.tenant.id);
    assert.ok(known.length > 5, "lines of a tenant's requests name it");
    const step = lines.map((line) => JSON.parse(line)).find(({ logger }) =>
      logger === "imago.pipeline"
    );
    assert.deepEqual([step.properties.tenant, step.properties.image], [app.tenant.id, id]);
    assert.ok(!("request_id" in step.properties));
  } finally {
    await ai.close();
    await configureLogs({ DEBUG: false, LOG_LEVEL: "error" });
  }
});

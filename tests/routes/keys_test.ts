import assert from "node:assert/strict";
import { MASTER_KEY, startApp, type TestApp } from "../helpers/app.ts";

const post = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

async function makeKey(app: TestApp, body: unknown, key?: string) {
  const response = await app.request("/auth/keys", post(body), key);
  assert.equal(response.status, 201, await response.clone().text());
  return await response.json();
}

Deno.test("POST /auth/keys makes a key that works, is shown once, and can be deleted", async () => {
  await using app = await startApp();
  const { api_key, ...made } = await makeKey(app, { name: "reader", scopes: ["images:read"] });
  assert.deepEqual([made.name, made.main, made.last_used_at], ["reader", false, null]);
  assert.equal((await app.request("/images", {}, api_key)).status, 200);
  assert.equal((await app.request("/auth/keys", {}, api_key)).status, 403);

  const text = await (await app.request("/auth/keys")).text();
  const { items } = JSON.parse(text);
  assert.deepEqual(items.map(({ name }: { name: string }) => name), ["reader", "main"]);
  assert.ok(!text.includes(api_key) && !text.includes("sha256"));
  assert.equal(items[0].hint, `${api_key.slice(0, 10)}…${api_key.slice(-4)}`);

  const gone = await app.request(`/auth/keys/${made.id}`, { method: "DELETE" });
  assert.equal(gone.status, 204);
  assert.equal((await app.request("/images", {}, api_key)).status, 401);
  assert.equal((await app.request(`/auth/keys/${made.id}`, { method: "DELETE" })).status, 404);
});

Deno.test("a key expires at its time, also where it is believed from memory", async () => {
  await using app = await startApp();
  const expires_at = new Date(app.clock.now() + 10_000).toISOString();
  const { api_key } = await makeKey(app, { name: "k", scopes: ["images:read"], expires_at });
  assert.equal((await app.request("/images", {}, api_key)).status, 200);
  await app.clock.advance(9_999);
  assert.equal((await app.request("/images", {}, api_key)).status, 200);
  await app.clock.advance(1);
  assert.equal((await app.request("/images", {}, api_key)).status, 401);
});

const escalations: [name: string, own: string[], body: unknown, status: number][] = [
  ["nobody without admin makes keys", ["images:read"], { name: "k", scopes: ["admin"] }, 403],
  ["an unknown scope", ["admin"], { name: "k", scopes: ["root"] }, 422],
  ["no scope", ["admin"], { name: "k", scopes: [] }, 422],
  ["a foreign tenant", ["admin"], { name: "k", scopes: ["admin"], tenant: "x" }, 422],
  ["the main mark", ["admin"], { name: "k", scopes: ["admin"], main: true }, 422],
  ["a hash of one's own", ["admin"], { name: "k", scopes: ["admin"], sha256: "0" }, 422],
  ["a limit of its own", ["admin"], { name: "k", scopes: ["admin"], rate_limit: 1 }, 422],
  [
    "a past end",
    ["admin"],
    { name: "k", scopes: ["admin"], expires_at: "2020-01-01T00:00:00Z" },
    422,
  ],
  ["no name", ["admin"], { name: " ", scopes: ["admin"] }, 422],
];

for (const [name, scopes, body, status] of escalations) {
  Deno.test(`POST /auth/keys refuses ${name}`, async () => {
    await using app = await startApp();
    const { request } = await app.asTenant({ scopes: scopes as ["admin"] });
    assert.equal((await request("/auth/keys", post(body))).status, status);
  });
}

Deno.test("a key never does more than its tenant may, whatever it was given before", async () => {
  await using app = await startApp();
  const other = await app.asTenant({ scopes: ["admin"] });
  const { api_key } = await makeKey(app, { name: "k", scopes: ["admin"] }, other.key);
  const patch = { method: "PATCH", headers: { "Content-Type": "application/json" } };
  const body = JSON.stringify({ scopes: ["images:read"] });
  const path = `/auth/clients/${other.tenant.id}`;
  assert.equal((await app.request(path, { ...patch, body }, MASTER_KEY)).status, 200);
  for (const key of [api_key, other.key]) {
    assert.equal((await app.request("/images", {}, key)).status, 200);
    assert.equal((await app.request("/auth/keys", {}, key)).status, 403);
    assert.equal((await app.upload(new Uint8Array(9), "a", key)).status, 403);
  }
});

Deno.test("keys of another tenant cannot be seen or deleted", async () => {
  await using app = await startApp();
  const { id } = await makeKey(app, { name: "k", scopes: ["images:read"] });
  const other = await app.asTenant();
  assert.equal((await other.request(`/auth/keys/${id}`, { method: "DELETE" })).status, 404);
  const { items } = await (await other.request("/auth/keys")).json();
  assert.deepEqual(items.map(({ name }: { name: string }) => name), ["main"]);
});

Deno.test("a tenant has at most 100 keys, however many it asks for at once", async () => {
  await using app = await startApp();
  const answers = await Promise.all(
    Array.from(
      { length: 110 },
      (_, i) => app.request("/auth/keys", post({ name: `k${i}`, scopes: ["images:read"] })),
    ),
  );
  assert.equal(answers.filter(({ status }) => status === 201).length, 99);
  assert.equal(answers.filter(({ status }) => status === 409).length, 11);
});

Deno.test("last_used_at is written at most once a minute", async () => {
  await using app = await startApp();
  const lastUse = async () => {
    const [key] = await app.services.keys.list(app.tenant.id, 1);
    return key?.last_used_at && Date.parse(key.last_used_at);
  };
  await Promise.all(Array.from({ length: 20 }, () => app.request("/images")));
  const first = app.clock.now();
  assert.equal(await lastUse(), first);
  const commits = app.services.db.commits;
  await app.clock.advance(59_999);
  for (let i = 0; i < 5; i++) await app.request("/images");
  assert.equal(app.services.db.commits, commits);
  await app.clock.advance(1);
  await app.request("/images");
  assert.equal(await lastUse(), first + 60_000);
});

Deno.test("GET /auth/me tells who one is, the master too", async () => {
  await using app = await startApp();
  const me = await (await app.request("/auth/me")).json();
  assert.deepEqual([me.tenant.name, me.tenant.plan, me.scopes], ["default", "standard", ["admin"]]);
  assert.match(me.subject, /^key:/);
  assert.equal(me.quota.used_bytes, 0);
  const master = await (await app.request("/auth/me", {}, MASTER_KEY)).json();
  assert.deepEqual([master.subject, master.tenant], ["master", null]);
  assert.equal((await app.app.request("/auth/me")).status, 401);
});

Deno.test("API_TOKEN is a further key of the first tenant, of any shape", async () => {
  await using app = await startApp({ env: { API_TOKEN: "secret-token" } });
  const me = await (await app.request("/auth/me", {}, "secret-token")).json();
  assert.equal(me.tenant.id, app.tenant.id);
  assert.equal((await app.request("/images", {}, "secret-token2")).status, 401);
  const path = `/auth/clients/${app.tenant.id}`;
  assert.equal((await app.request(path, { method: "DELETE" }, MASTER_KEY)).status, 204);
  assert.equal((await app.request("/images", {}, "secret-token")).status, 401);
});

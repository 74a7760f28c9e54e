import assert from "node:assert/strict";
import { MASTER_KEY, startApp, type TestApp } from "../helpers/app.ts";
import { png } from "../helpers/pictures.ts";

const json = (method: string, body: unknown, headers = {}): RequestInit => ({
  method,
  headers: { "Content-Type": "application/json", ...headers },
  body: JSON.stringify(body),
});
const create = (body: unknown) => json("POST", body);
const asMaster = (app: TestApp, path: string, init: RequestInit = {}) =>
  app.request(`/auth/clients${path}`, init, MASTER_KEY);

Deno.test("POST /auth/clients creates a client whose key works and is shown this once", async () => {
  await using app = await startApp();
  const response = await asMaster(
    app,
    "",
    create({ name: "shop", plan: "premium", scopes: ["images:read"], rate_limit: 5 }),
  );
  assert.equal(response.status, 201);
  const { api_key, ...client } = await response.json();
  assert.deepEqual([client.name, client.plan, client.scopes], ["shop", "premium", ["images:read"]]);
  assert.deepEqual([client.rate_limit, client.ai_budget], [5, null]);
  assert.equal(client.quota_bytes, 10_240 * 1_048_576);
  assert.equal((await app.request("/images", {}, api_key)).status, 200);

  const shown = await asMaster(app, `/${client.id}`);
  assert.deepEqual(await shown.json(), client);
  const { items } = await (await asMaster(app, "")).json();
  assert.deepEqual(items.map(({ name }: { name: string }) => name), ["shop", "default"]);
});

Deno.test("POST /auth/clients names every field that is wrong", async () => {
  await using app = await startApp();
  const body = create({ name: "", plan: "gold", scopes: ["everything"], rate_limit: 0 });
  const response = await asMaster(app, "", body);
  assert.equal(response.status, 422);
  const { errors } = await response.json();
  const paths = errors.map(({ path }: { path: string }) => path);
  assert.deepEqual(paths, ["name", "plan", "scopes.0", "rate_limit"]);
  assert.equal((await asMaster(app, "", create({ name: "a", isAdmin: true }))).status, 422);
});

Deno.test("PATCH /auth/clients/{id} changes what it names, for keys in use at once", async () => {
  await using app = await startApp();
  const other = await app.asTenant({ scopes: ["images:read"] });
  assert.equal((await other.request("/images")).status, 200);
  const ai_budget = { tokens_per_month: 1000, cost_per_month: 2.5 };
  const changed = await asMaster(
    app,
    `/${other.tenant.id}`,
    json("PATCH", { scopes: ["images:write"], plan: "premium", ai_budget, rate_limit: 50 }),
  );
  assert.equal(changed.status, 200);
  const client = await changed.json();
  assert.deepEqual([client.name, client.plan, client.rate_limit], ["other", "premium", 50]);
  assert.deepEqual(client.ai_budget, ai_budget);
  assert.equal(client.quota_bytes, 10_240 * 1_048_576, "the plan's quota follows the plan");
  const refused = await other.request("/images");
  assert.equal(refused.status, 403);
  assert.match(refused.headers.get("RateLimit-Policy") ?? "", /q=50;/);
});

const foreign: unknown[] = [
  { id: crypto.randomUUID() },
  { created_at: "2020-01-01T00:00:00Z" },
  { isAdmin: true },
  { api_key: "x" },
  { clientId: "x", name: "y" },
  { __proto__: null, constructor: 1 },
  { quota_bytes: -1 },
  { quota_bytes: 1.5 },
  { rate_limit: 0 },
  { ai_budget: { tokens: 1 } },
  { scopes: ["root"] },
  { scopes: [] },
  { name: "" },
  { active: "yes" },
];

Deno.test("PATCH /auth/clients/{id} refuses foreign fields and values, and changes nothing", async () => {
  await using app = await startApp();
  for (const body of foreign) {
    const answer = await asMaster(app, `/${app.tenant.id}`, json("PATCH", body));
    assert.equal(answer.status, 422, JSON.stringify(body));
  }
  assert.deepEqual(await app.services.tenants.get(app.tenant.id), app.tenant);
  const byKey = await app.request(`/auth/clients/${app.tenant.id}`, json("PATCH", { name: "x" }));
  assert.equal(byKey.status, 403, "no tenant changes itself");
});

Deno.test("PATCH /auth/clients/{id} with If-Match changes only the version that it names", async () => {
  await using app = await startApp();
  const path = `/${app.tenant.id}`;
  const etag = (await asMaster(app, path)).headers.get("ETag")!;
  const change = (name: string, tag: string) =>
    asMaster(app, path, json("PATCH", { name }, { "If-Match": tag }));
  const [a, b] = await Promise.all([change("a", etag), change("b", etag)]);
  assert.deepEqual([a.status, b.status].toSorted(), [200, 412]);
  assert.equal((await change("c", etag)).status, 412);
  assert.equal((await change("c", `W/${etag}`)).status, 412, "weak tags never match");
  const current = (a.status === 200 ? a : b).headers.get("ETag")!;
  assert.equal((await change("c", `"x", ${current}`)).status, 200);
  assert.equal((await change("d", "*")).status, 200);
  const known = await asMaster(app, path);
  const headers = { "If-None-Match": known.headers.get("ETag")! };
  assert.equal((await asMaster(app, path, { headers })).status, 304);
});

Deno.test("POST …/rotate-key refuses the old key at once, or after the grace", async () => {
  await using app = await startApp();
  const other = await app.asTenant();
  const rotate = async (body?: unknown) => {
    const init = body ? json("POST", body) : { method: "POST" };
    const answer = await asMaster(app, `/${other.tenant.id}/rotate-key`, init);
    assert.equal(answer.status, 200);
    return (await answer.json()).api_key as string;
  };
  const status = async (key: string) => (await app.request("/images", {}, key)).status;
  assert.equal(await status(other.key), 200);
  const second = await rotate();
  assert.deepEqual([await status(other.key), await status(second)], [401, 200]);
  const third = await rotate({ grace_seconds: 60 });
  assert.deepEqual([await status(second), await status(third)], [200, 200]);
  await app.clock.advance(60_000);
  assert.deepEqual([await status(second), await status(third)], [401, 200]);
  const fourth = await rotate({ grace_seconds: 60 });
  const fifth = await rotate({ grace_seconds: 0 });
  assert.deepEqual(
    [await status(third), await status(fourth), await status(fifth)],
    [401, 401, 200],
  );
  const parallel = await Promise.all(Array.from({ length: 5 }, () => rotate()));
  const alive = await Promise.all(parallel.map(status));
  assert.equal(alive.filter((answer) => answer === 200).length, 1, "one main key is left");
});

Deno.test("rotating leaves the keys that the tenant made for itself", async () => {
  await using app = await startApp();
  const body = json("POST", { name: "own", scopes: ["images:read"] });
  const { api_key } = await (await app.request("/auth/keys", body)).json();
  await asMaster(app, `/${app.tenant.id}/rotate-key`, { method: "POST" });
  assert.equal((await app.request("/images", {}, api_key)).status, 200);
});

Deno.test("DELETE /auth/clients/{id} deactivates: keys and links are dead, data is kept", async () => {
  await using app = await startApp({ steps: [] });
  const { id } = await (await app.upload(png())).json();
  const { url } = await (await app.request(`/images/${id}/download-url`)).json();
  const path = `/${app.tenant.id}`;
  assert.equal((await asMaster(app, path, { method: "DELETE" })).status, 204);
  assert.equal((await app.request("/images")).status, 401);
  assert.equal((await app.app.request(url)).status, 410);
  assert.equal((await (await asMaster(app, path)).json()).active, false);
  assert.equal((await asMaster(app, path, json("PATCH", { active: true }))).status, 200);
  assert.equal((await app.request(`/images/${id}`)).status, 200);
  assert.equal((await app.app.request(url)).status, 200);
});

Deno.test("DELETE ?erase=true wants the name, erases everything, and gives the receipt again", async () => {
  await using app = await startApp();
  const { id } = await (await app.upload(png(64, 64))).json();
  await app.drain();
  const { url } = await (await app.request(`/images/${id}/download-url`)).json();
  const path = `/${app.tenant.id}?erase=true`;
  for (const body of [{}, { confirm: "Default" }, { confirm: "" }, { confirm: "default", x: 1 }]) {
    assert.equal((await asMaster(app, path, json("DELETE", body))).status, 422);
  }
  assert.equal((await asMaster(app, path, { method: "DELETE" })).status, 422);
  assert.equal((await app.request("/images")).status, 200, "nothing has happened yet");

  const answer = await asMaster(app, path, json("DELETE", { confirm: "default" }));
  assert.equal(answer.status, 200);
  const receipt = await answer.json();
  assert.deepEqual([receipt.id, receipt.state, receipt.erased.objects], [app.tenant.id, "done", 3]);
  assert.ok(receipt.erased.records > 8 && receipt.erased.bytes > png(64, 64).length);
  assert.equal((await app.request("/images")).status, 401);
  assert.notEqual((await app.app.request(url)).status, 200);
  assert.equal((await asMaster(app, `/${app.tenant.id}`)).status, 404);
  const again = await asMaster(app, path, json("DELETE", { confirm: "default" }));
  assert.deepEqual(await again.json(), receipt);
  const unknown = `/${crypto.randomUUID()}?erase=true`;
  assert.equal((await asMaster(app, unknown, json("DELETE", { confirm: "x" }))).status, 404);
});

import assert from "node:assert/strict";
import { MASTER_KEY, startApp } from "../helpers/app.ts";

const json = (method: string, body: unknown): RequestInit => ({
  method,
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

Deno.test("GET /audit tells who did what, newest first, and no secret", async () => {
  await using app = await startApp();
  const made = await app.request("/auth/keys", json("POST", { name: "k", scopes: ["admin"] }));
  const { id, api_key } = await made.json();
  const path = `/auth/clients/${app.tenant.id}`;
  await app.request(path, json("PATCH", { rate_limit: 1000 }), MASTER_KEY);
  const rotated = await app.request(`${path}/rotate-key`, { method: "POST" }, MASTER_KEY);
  const { api_key: main } = await rotated.json();
  await app.request(`/auth/keys/${id}`, { method: "DELETE" }, main);

  const text = await (await app.request("/audit", {}, main)).text();
  const { items } = JSON.parse(text);
  const told = items.map(({ action }: { action: string }) => action);
  assert.deepEqual(told, [
    "key.deleted",
    "client.key_rotated",
    "client.changed",
    "key.created",
    "client.created",
  ]);
  assert.match(items[0].actor, /^key:/);
  assert.deepEqual([items[1].actor, items[4].actor], ["master", "system"]);
  assert.deepEqual(items[2].details, { rate_limit: 1000 });
  for (const secret of [api_key, main, app.key]) assert.ok(!text.includes(secret.slice(10, -4)));
});

Deno.test("GET /audit is of one tenant, pages, and needs admin", async () => {
  await using app = await startApp();
  const other = await app.asTenant({ scopes: ["images:read"] });
  assert.equal((await other.request("/audit")).status, 403);
  for (let i = 0; i < 4; i++) {
    await app.request("/auth/keys", json("POST", { name: `k${i}`, scopes: ["images:read"] }));
  }
  const first = await (await app.request("/audit?limit=3")).json();
  const rest = await (await app.request(`/audit?limit=3&cursor=${first.next_cursor}`)).json();
  assert.deepEqual([first.items.length, rest.items.length, rest.next_cursor], [3, 2, null]);
});

Deno.test("what was refused leaves no entry", async () => {
  await using app = await startApp();
  await app.request("/auth/keys", json("POST", { name: "k", scopes: ["root"] }));
  await app.request(`/auth/keys/${crypto.randomUUID()}`, { method: "DELETE" });
  const { items } = await (await app.request("/audit")).json();
  assert.equal(items.length, 1);
});

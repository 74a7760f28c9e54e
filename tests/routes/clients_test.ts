import assert from "node:assert/strict";
import { MASTER_KEY, startApp } from "../helpers/app.ts";

const create = (body: unknown) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

Deno.test("POST /auth/clients creates a client whose key works and is shown this once", async () => {
  await using app = await startApp();
  const response = await app.request(
    "/auth/clients",
    create({ name: "shop", plan: "premium", scopes: ["images:read"] }),
    MASTER_KEY,
  );
  assert.equal(response.status, 201);
  const { api_key, ...client } = await response.json();
  assert.deepEqual([client.name, client.plan, client.scopes], ["shop", "premium", ["images:read"]]);
  assert.equal(client.quota_bytes, 10_240 * 1_048_576);
  assert.equal((await app.request("/images", {}, api_key)).status, 200);

  const shown = await app.request(`/auth/clients/${client.id}`, {}, MASTER_KEY);
  assert.deepEqual(await shown.json(), client);
  const { items } = await (await app.request("/auth/clients", {}, MASTER_KEY)).json();
  assert.deepEqual(items.map(({ name }: { name: string }) => name), ["shop", "default"]);
});

Deno.test("POST /auth/clients names every field that is wrong", async () => {
  await using app = await startApp();
  const body = create({ name: "", plan: "gold", scopes: ["everything"] });
  const response = await app.request("/auth/clients", body, MASTER_KEY);
  assert.equal(response.status, 422);
  const { errors } = await response.json();
  const paths = errors.map(({ path }: { path: string }) => path);
  assert.deepEqual(paths, ["name", "plan", "scopes.0"]);
});

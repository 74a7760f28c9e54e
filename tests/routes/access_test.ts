import assert from "node:assert/strict";
import type { ModelRow } from "../../lib/model/prediction.ts";
import { tables } from "../../lib/tables.ts";
import { MASTER_KEY, startApp, type TestApp } from "../helpers/app.ts";
import { png } from "../helpers/pictures.ts";

type Operation = { method: string; path: string; scope: string | null };

/** Routes that are open by design; everything else must refuse a stranger. */
const OPEN = [
  "/",
  "/health",
  "/health/ready",
  "/health/detailed",
  "/metrics",
  "/files/signed/{token}",
  "/media/{name}",
  "/api/auth/login",
  "/api/auth/refresh",
  "/api/v1/health",
  "/api/health",
  "/api/info",
  "/files/signed/render/{token}",
  "/privacy/receipts/{token}",
  // Whoever connects tells who they are in the first message, or is sent away.
  "/ws",
];

/** Every documented route, with the scope that it asks for. */
async function operations(app: TestApp): Promise<Operation[]> {
  const { paths } = await (await app.app.request("/openapi.json")).json();
  return Object.entries(paths as Record<string, Record<string, { "x-scope"?: string }>>)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        scope: operation["x-scope"] ?? null,
      }))
    );
}

/** The route with an id put in, and a body where one is expected. */
function call({ method, path }: Operation, id: string): [string, RequestInit] {
  const body = ["POST", "PATCH", "PUT"].includes(method) ? "{}" : undefined;
  return [path.replace(/\{\w+\}/g, id), {
    method,
    body,
    headers: body ? { "Content-Type": "application/json" } : {},
  }];
}

Deno.test("every route is open by design or names the scope that it needs", async () => {
  await using app = await startApp();
  const all = await operations(app);
  assert.ok(all.length > 10);
  const unnamed = all.filter(({ scope }) => !scope).map(({ path }) => path);
  assert.deepEqual(unnamed.toSorted(), OPEN.toSorted());
});

Deno.test("every route that needs a scope refuses a stranger with 401 and says how to ask", async () => {
  await using app = await startApp();
  for (const operation of (await operations(app)).filter(({ scope }) => scope)) {
    const [path, init] = call(operation, crypto.randomUUID());
    for (const key of ["", "imago_wrong", `${app.key}x`]) {
      const response = await app.request(path, init, key);
      assert.equal(response.status, 401, `${operation.method} ${path}`);
      assert.ok(response.headers.get("WWW-Authenticate"));
    }
    const inQuery = await app.app.request(`${path}?api_key=${app.key}&key=${app.key}`, init);
    assert.equal(inQuery.status, 401, "a key in the address is never accepted");
  }
});

Deno.test("every route refuses a key without its scope with 403", async () => {
  await using app = await startApp();
  for (
    const operation of (await operations(app)).filter(({ scope }) =>
      scope && !["any", "user"].includes(scope)
    )
  ) {
    const scope = operation.scope === "images:read" ? "images:write" : "images:read";
    const { request } = await app.asTenant({ scopes: [scope] });
    const [path, init] = call(operation, crypto.randomUUID());
    assert.equal((await request(path, init)).status, 403, `${operation.method} ${path}`);
    if (operation.scope !== "master") {
      assert.equal((await app.request(path, init, MASTER_KEY)).status, 403, "the master key");
    }
  }
});

/** A version of the model that the tenant's corrections could have made. */
const MODEL: ModelRow = {
  version: "cats-dogs-1.1",
  created_at: "2026-05-01T10:00:00.000Z",
  ...{ examples: 10, held_back: 2, weights: "", bias: 0 },
  before: { accuracy: 0.5, log_loss: 1 },
  after: { accuracy: 1, log_loss: 0.1 },
};

/** One thing of each kind that routes name by an id, all of the app's first tenant. */
async function belongings(app: TestApp): Promise<Record<string, string>> {
  const { db, images, jobs } = app.services;
  const { id } = await (await app.upload(png())).json();
  await app.drain();
  const job = await jobs.get(app.tenant.id, (await images.get(app.tenant.id, id)).job);
  const letter = await db.transact((tx) => jobs.bury(tx, job, "exif"));
  const form = new FormData();
  form.append("files", new File([png()], "a.png"));
  const listing = await app.request("/api/v1/ingest/upload", { method: "POST", body: form });
  const key = await app.request("/auth/keys", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "second", scopes: ["images:read"] }),
  });
  const user = await app.request("/api/users", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username: "marie", password: "password of marie", scopes: ["admin"] }),
  });
  const event = await app.request("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ type: "fall", image_id: id }),
  });
  const webhook = await app.request("/webhooks", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ url: "https://hooks.example.com/", types: ["*"] }),
  });
  await db.transact((tx) => tx.set(tables.models.key(app.tenant.id, MODEL.version), MODEL));
  const camera = await app.request("/api/cameras", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "Gate", url: "http://203.0.113.7/shot.jpg" }),
  });
  return {
    "/images": id,
    "/api/images": id,
    "/api/users": (await user.json()).id,
    "/api/events": (await event.json()).id,
    "/webhooks": (await webhook.json()).id,
    "/api/cameras": (await camera.json()).id,
    "/jobs": job.id,
    "/dead-letters": letter.id,
    "/api/v1/listings": (await listing.json()).id,
    "/auth/keys": (await key.json()).id,
    "/api/models": MODEL.version,
  };
}

Deno.test("what is another tenant's answers exactly as what does not exist, on every route", async () => {
  await using app = await startApp({
    env: { V1_RATE_LIMIT_PER_MINUTE: "1000", FETCH_ALLOWED_NETS: "203.0.113.0/24" },
  });
  const theirs = await belongings(app);
  const other = await app.asTenant();
  const about = (await operations(app))
    .filter(({ path, scope }) => path.includes("{") && scope && scope !== "master");
  for (const operation of about) {
    const kind = operation.path.slice(0, operation.path.indexOf("/{"));
    assert.ok(kind in theirs, `this test does not know whose things ${operation.path} is about`);
    const answers = await Promise.all([theirs[kind]!, crypto.randomUUID()].map(async (some) => {
      const response = await other.request(...call(operation, some));
      const body = await response.text();
      return [response.status, body.replaceAll(some, "ID").replace(/"request_id":"[^"]+"/, "")];
    }));
    assert.deepEqual(answers[0], answers[1], `${operation.method} ${operation.path}`);
    assert.ok(
      [400, 404, 422].includes(Number(answers[0]?.[0])),
      `${operation.path}: ${answers[0]}`,
    );
  }
  const kept = await Promise.all(
    [
      "/images",
      "/jobs",
      "/dead-letters",
      "/api/v1/listings",
      "/api/events",
      "/webhooks",
      "/api/users",
      "/api/cameras",
    ].map(
      async (kind) => (await app.request(kind)).json(),
    ),
  );
  for (const { items } of kept) assert.equal(items.length, 1, "and nothing happened to it");
});

Deno.test("a deactivated client is refused at once, its links too", async () => {
  await using app = await startApp({ steps: [] });
  const { id } = await (await app.upload(png())).json();
  const { url } = await (await app.request(`/images/${id}/download-url`)).json();
  const { db, principals } = app.services;
  await db.kv.set(["tenants", app.tenant.id], { ...app.tenant, active: false });
  principals.forget(app.tenant.id);
  assert.equal((await app.request("/images")).status, 401);
  assert.equal((await app.app.request(url)).status, 410);
});

Deno.test("errors that nobody expected say nothing of the inside", async () => {
  await using app = await startApp();
  app.services.images.list = () => Promise.reject(new Error("secret /path/of/ours"));
  const response = await app.request("/images");
  assert.equal(response.status, 500);
  assert.ok(!(await response.text()).includes("secret"));
});

Deno.test("an unknown path and a body that is no JSON are problems like all others", async () => {
  await using app = await startApp();
  const missing = await app.request("/nowhere");
  assert.deepEqual([missing.status, (await missing.json()).status], [404, 404]);
  const wrong = await app.request("/images/upload", { method: "PUT" });
  assert.deepEqual([wrong.status, wrong.headers.get("Allow")], [405, "POST, GET, DELETE"]);
  const broken = await app.request("/auth/clients", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: "{",
  }, MASTER_KEY);
  assert.deepEqual([broken.status, broken.headers.get("Content-Type")], [
    400,
    "application/problem+json",
  ]);
});

Deno.test("a body of more than a megabyte is refused, with or without a Content-Length", async () => {
  await using app = await startApp();
  const bytes = new TextEncoder().encode(`{"name":"${"x".repeat(1_100_000)}"}`);
  const bodies: BodyInit[] = [bytes, ReadableStream.from([bytes.slice(0, 600_000), bytes])];
  for (const body of bodies) {
    const response = await app.request("/auth/clients", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body,
    }, MASTER_KEY);
    assert.equal(response.status, 413);
  }
});

Deno.test("the work of a deactivated client waits until it is active again", async () => {
  await using app = await startApp();
  const { tenant, key } = await app.asTenant();
  const { id } = await (await app.upload(png(), "a.png", key)).json();
  const { db, images } = app.services;
  await db.kv.set(["tenants", tenant.id], { ...tenant, active: false });
  await app.worker.start();
  await app.clock.advance(10_000);
  assert.equal((await images.get(tenant.id, id)).status, "pending");
  await db.kv.set(["tenants", tenant.id], tenant);
  await app.drain();
  assert.equal((await images.get(tenant.id, id)).status, "done");
});

import assert from "node:assert/strict";
import type { AuditEntry, Erasure } from "../../lib/model/audit.ts";
import { tables } from "../../lib/tables.ts";
import { correct } from "../helpers/corrections.ts";
import { MASTER_KEY, startApp, type TestApp } from "../helpers/app.ts";
import { png } from "../helpers/pictures.ts";

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

/** What an admin or the operator may do, the entry that it leaves, and how it is done once. */
const OPERATIONS: Record<string, [action: string, act: (app: TestApp) => Promise<Response>]> = {
  "POST /auth/clients": [
    "client.created",
    (app) => app.request("/auth/clients", json("POST", { name: "x" }), MASTER_KEY),
  ],
  "PATCH /auth/clients/{id}": [
    "client.changed",
    (app) => app.request(clientOf(app), json("PATCH", { rate_limit: 900 }), MASTER_KEY),
  ],
  "DELETE /auth/clients/{id}": [
    "client.deactivated",
    (app) => app.request(clientOf(app), { method: "DELETE" }, MASTER_KEY),
  ],
  "POST /auth/clients/{id}/rotate-key": [
    "client.key_rotated",
    (app) => app.request(`${clientOf(app)}/rotate-key`, { method: "POST" }, MASTER_KEY),
  ],
  "POST /auth/keys": ["key.created", newKey],
  "DELETE /auth/keys/{id}": ["key.deleted", async (app) => {
    const { id } = await (await newKey(app)).json();
    return await app.request(`/auth/keys/${id}`, { method: "DELETE" });
  }],
  "POST /api/users": ["user.created", newUser],
  "PATCH /api/users/{id}": ["user.changed", async (app) => {
    const { id } = await (await newUser(app)).json();
    return await app.request(`/api/users/${id}`, json("PATCH", { active: false }));
  }],
  "DELETE /api/users/{id}": ["user.deleted", async (app) => {
    const { id } = await (await newUser(app)).json();
    return await app.request(`/api/users/${id}`, { method: "DELETE" });
  }],
  "POST /dead-letters/{id}/replay": [
    "dead_letter.replayed",
    async (app) => app.request(`/dead-letters/${await bury(app)}/replay`, { method: "POST" }),
  ],
  "POST /dead-letters/replay": ["dead_letter.replayed", async (app) => {
    await bury(app);
    return await app.request("/dead-letters/replay", { method: "POST" });
  }],
  "DELETE /dead-letters/{id}": [
    "dead_letter.discarded",
    async (app) => app.request(`/dead-letters/${await bury(app)}`, { method: "DELETE" }),
  ],
  "POST /api/cameras/discover": [
    "camera.discovery",
    (app) => app.request("/api/cameras/discover", json("POST", { timeout_s: 0.5 })),
  ],
  "POST /webhooks": ["webhook.created", newWebhook],
  "PATCH /webhooks/{id}": ["webhook.changed", async (app) => {
    const { id } = await (await newWebhook(app)).json();
    return await app.request(`/webhooks/${id}`, json("PATCH", { active: false }));
  }],
  "POST /webhooks/{id}/rotate-secret": ["webhook.secret_rotated", async (app) => {
    const { id } = await (await newWebhook(app)).json();
    return await app.request(`/webhooks/${id}/rotate-secret`, json("POST", {}));
  }],
  "DELETE /webhooks/{id}": ["webhook.deleted", async (app) => {
    const { id } = await (await newWebhook(app)).json();
    return await app.request(`/webhooks/${id}`, { method: "DELETE" });
  }],
  "POST /webhooks/{id}/deliveries/{delivery_id}/replay": ["webhook.replayed", async (app) => {
    const { id } = await (await newWebhook(app)).json();
    const { fanOut, webhooks } = app.services;
    await app.request("/api/events", json("POST", { type: "fall" }));
    await fanOut.look(app.tenant.id, await webhooks.active(app.tenant.id));
    const { items } = await (await app.request(`/webhooks/${id}/deliveries`)).json();
    return await app.request(`/webhooks/${id}/deliveries/${items[0].id}/replay`, json("POST", {}));
  }],
  "POST /api/models/retrain": ["model.retrained", async (app) => {
    await correct(app, 20);
    return await app.request("/api/models/retrain", { method: "POST" });
  }],
  "POST /api/models/{version}/activate": ["model.activated", async (app) => {
    const { version } = (await app.services.models.list(app.tenant.id)).at(-1)!;
    return await app.request(`/api/models/${version}/activate`, { method: "POST" });
  }],
  "GET /privacy/export": ["privacy.exported", (app) => app.request("/privacy/export")],
  "POST /privacy/erase": [
    "client.erased",
    (app) => app.request("/privacy/erase", json("POST", { confirm: "default" })),
  ],
};

const clientOf = (app: TestApp) => `/auth/clients/${app.tenant.id}`;

function newKey(app: TestApp) {
  return app.request("/auth/keys", json("POST", { name: "k", scopes: ["images:read"] }));
}

function newUser(app: TestApp) {
  const body = { username: "marie", password: "correct horse battery", scopes: ["admin"] };
  return app.request("/api/users", json("POST", body));
}

function newWebhook(app: TestApp) {
  const body = { url: "https://hooks.example.com/", types: ["*"] };
  return app.request("/webhooks", json("POST", body));
}

/** Makes a dead letter; gives its id. */
async function bury(app: TestApp): Promise<string> {
  const { db, images, jobs } = app.services;
  const { id } = await (await app.upload(png())).json();
  await app.drain();
  const job = await jobs.get(app.tenant.id, (await images.get(app.tenant.id, id)).job);
  return (await db.transact((tx) => jobs.bury(tx, job, "exif"))).id;
}

/** Documented operations of admins and of the operator that do more than read. */
async function adminOperations(app: TestApp): Promise<string[]> {
  const { paths } = await (await app.app.request("/openapi.json")).json();
  type Methods = Record<string, { "x-scope"?: string }>;
  return Object.entries(paths as Record<string, Methods>).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method, { "x-scope": scope }]) =>
        method !== "get" && ["admin", "master"].includes(scope ?? "")
      )
      .map(([method]) => `${method.toUpperCase()} ${path}`)
  );
}

/** The actions in all audit logs; of an erasure, which takes the log along, the receipt tells. */
async function onRecord({ services: { db } }: TestApp): Promise<string[]> {
  const entries = db.list<AuditEntry>({ prefix: tables.audit.prefix() });
  const receipts = db.list<Erasure>({ prefix: tables.erasures.prefix() });
  return [
    ...(await Array.fromAsync(entries)).map(({ value }) => value.action),
    ...(await Array.fromAsync(receipts)).map(({ value }) => value.actor && "client.erased"),
  ];
}

Deno.test("each operation of admins and of the operator leaves its entry in the audit log", async (t) => {
  await using app = await startApp();
  const unknown = (await adminOperations(app)).filter((name) => !(name in OPERATIONS));
  assert.deepEqual(unknown, [], "note it in the audit log, and say here how it is done");
  for (const [name, [action, act]] of Object.entries(OPERATIONS)) {
    await t.step(name, async () => {
      await using app = await startApp();
      const times = async () => (await onRecord(app)).filter((noted) => noted === action).length;
      const before = await times();
      const answer = await act(app);
      assert.ok(answer.ok, `${answer.status}`);
      await answer.body?.cancel();
      assert.equal(await times(), before + 1, action);
    });
  }
});

import assert from "node:assert/strict";
import { Webhook as Verifier, WebhookVerificationError } from "standardwebhooks";
import type { Delivery } from "../../lib/model/webhook.ts";
import { tables } from "../../lib/tables.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { until } from "../helpers/clock.ts";
import { type Received, startReceiver } from "../helpers/receiver.ts";

const env = { FETCH_ALLOWED_NETS: "127.0.0.0/8" };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

type Caller = Pick<TestApp, "request">;

const send = (
  { request }: Caller,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) =>
  request(path, {
    method,
    headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

async function hooked(app: Caller, url: string, types = ["event.*"]) {
  const answer = await send(app, "POST", "/webhooks", { url, types });
  assert.equal(answer.status, 201);
  return await answer.json();
}

/** Makes something happen; its id. */
async function happen(app: Caller, notes = ""): Promise<string> {
  return (await (await send(app, "POST", "/api/events", { type: "fall", notes })).json()).id;
}

async function deliveriesOf(app: Caller, id: string): Promise<Delivery[]> {
  return (await (await send(app, "GET", `/webhooks/${id}/deliveries`)).json()).items;
}

const settled = (app: Caller, id: string, attempts: number) =>
  until(async () =>
    (await deliveriesOf(app, id)).reduce((sum, { attempts }) => sum + attempts.length, 0) >=
      attempts
  );

/** A long while, without all of its sweeps. */
async function pass({ worker, clock }: TestApp, ms: number) {
  await worker.deliveries.stop();
  await clock.advance(ms);
  worker.deliveries.start();
}

Deno.test("a webhook is told what it wants of its own tenant, signed as Standard Webhooks says", async () => {
  await using app = await startApp({ env });
  await using receiver = await startReceiver();
  const other = await app.asTenant();
  await happen(app, "before the webhook");
  const { secret, ...webhook } = await hooked(app, receiver.url, ["event.created"]);
  assert.match(secret, /^whsec_/);
  app.worker.deliveries.start();
  const id = await happen(app, "Été");
  await happen(other, "not of this tenant");
  await send(app, "POST", `/api/events/${id}/acknowledge`);
  await until(() => receiver.received.length > 0);
  await settled(app, webhook.id, 1);

  assert.deepEqual(receiver.types(), ["event.created"]);
  const [{ headers, body }] = receiver.received as [typeof receiver.received[0]];
  const { data, type, timestamp } = JSON.parse(body);
  assert.deepEqual([type, timestamp, data.id, data.notes], [
    ...["event.created", "2026-05-01T10:00:00.000Z", id, "Été"],
  ]);
  const [delivery] = await deliveriesOf(app, webhook.id);
  assert.equal(delivery?.id, headers["webhook-id"]);
  assert.deepEqual([delivery?.state, delivery?.attempts[0]?.status], ["delivered", 200]);

  assert.ok(verifies(app, secret, { headers, body }));
  assert.ok(!verifies(app, secret, { headers, body: `${body} ` }));
  assert.ok(!verifies(app, `whsec_${btoa("another")}`, { headers, body }));
});

/** Whether the library of Standard Webhooks takes a message. */
function verifies({ clock }: TestApp, secret: string, { headers, body }: Received): boolean {
  // It minds the time of this machine; the message was sent at the test's.
  const now = Date.now;
  Date.now = clock.now;
  try {
    new Verifier(secret).verify(body, headers);
    return true;
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    return false;
  } finally {
    Date.now = now;
  }
}

Deno.test("rotate-secret signs with both secrets for as long as asked, and then with the new one", async () => {
  await using app = await startApp({ env });
  await using receiver = await startReceiver();
  const { id, secret: old } = await hooked(app, receiver.url);
  const path = `/webhooks/${id}/rotate-secret`;
  const { secret } = await (await send(app, "POST", path, { grace_seconds: 60 })).json();
  assert.notEqual(secret, old);
  const nextMessage = async () => {
    const count = receiver.received.length;
    await happen(app);
    await until(() => receiver.received.length > count);
    return receiver.received.at(-1)!;
  };
  app.worker.deliveries.start();
  const both = await nextMessage();
  assert.deepEqual([old, secret].map((each) => verifies(app, each, both)), [true, true]);
  await pass(app, MINUTE);
  const after = await nextMessage();
  assert.deepEqual([old, secret].map((each) => verifies(app, each, after)), [false, true]);
  const leaked = await (await send(app, "POST", path, { grace_seconds: 0 })).json();
  const last = await nextMessage();
  assert.deepEqual([secret, leaked.secret].map((each) => verifies(app, each, last)), [false, true]);
  assert.equal((await send(app, "POST", path, { grace_seconds: 604_801 })).status, 422);
  const other = await app.asTenant();
  assert.equal((await send(other, "POST", path, {})).status, 404);
});

Deno.test("the secret is shown once, kept encrypted, and a safe retry does not repeat it", async () => {
  await using app = await startApp({ env });
  const body = { url: "https://hooks.example.com/x", types: ["*"] };
  const once = { "Idempotency-Key": "hook" };
  const first = await send(app, "POST", "/webhooks", body, once);
  const { secret, id } = await first.json();
  assert.equal((await send(app, "POST", "/webhooks", body, once)).status, 409);
  const shown = await Promise.all(
    ["/webhooks", `/webhooks/${id}`, `/webhooks/${id}/deliveries`, "/audit"].map(async (path) =>
      await (await app.request(path)).text()
    ),
  );
  for (const text of shown) assert.ok(!text.includes(secret));
  const row = await app.services.db.get(tables.webhooks.key(app.tenant.id, id));
  assert.ok(!JSON.stringify(row).includes(secret.slice(6)));
  assert.deepEqual(await app.services.webhooks.secretsOf(row!), [secret]);
});

Deno.test("POST and PATCH /webhooks refuse addresses that may not be called, and strange types", async () => {
  await using app = await startApp();
  const urls = [
    ...[
      "http://127.0.0.1/",
      "http://169.254.169.254/latest",
      "http://[::1]/",
      "ftp://example.com/",
    ],
    ...["https://user:password@example.com/", "https://hooks.example.com:22/", "no address"],
  ];
  const { id } = await hooked(app, "https://hooks.example.com/");
  const details = new Set<string>();
  for (const url of urls) {
    const answer = await send(app, "POST", "/webhooks", { url, types: ["*"] });
    assert.equal(answer.status, 422, url);
    details.add((await answer.json()).detail);
    assert.equal((await send(app, "PATCH", `/webhooks/${id}`, { url })).status, 422, url);
  }
  assert.equal(details.size, 1, "one answer for all");
  for (const types of [[], ["image"], ["image.*.x"], ["IMAGE.DONE"]]) {
    const body = { url: "https://hooks.example.com/", types };
    assert.equal((await send(app, "POST", "/webhooks", body)).status, 422);
  }
});

Deno.test("an address that was allowed once is checked again at each delivery", async () => {
  await using app = await startApp({ env });
  await using receiver = await startReceiver();
  const { id } = await hooked(app, receiver.url);
  const { db } = app.services;
  const key = tables.webhooks.key(app.tenant.id, id);
  await db.kv.set(key, { ...await db.get(key), url: "http://169.254.169.254/hook" });
  app.worker.deliveries.start();
  await happen(app);
  await settled(app, id, 1);
  const [delivery] = await deliveriesOf(app, id);
  assert.deepEqual([delivery?.state, delivery?.attempts[0]?.status], ["pending", null]);
});

Deno.test("a failed delivery is tried again on the schedule, under the same id, until it succeeds", async () => {
  await using app = await startApp({ env });
  const answers = [500, 302, 503, 200];
  await using receiver = await startReceiver(() =>
    new Response(null, { status: answers.shift()!, headers: { Location: "/elsewhere" } })
  );
  const { id } = await hooked(app, receiver.url);
  app.worker.deliveries.start();
  await happen(app);
  for (const [tries, pause] of [5_000, 5 * MINUTE, 30 * MINUTE].entries()) {
    await settled(app, id, tries + 1);
    const [delivery] = await deliveriesOf(app, id);
    const wait = Date.parse(delivery!.next_attempt_at!) - app.clock.now();
    assert.ok(wait >= pause && wait <= pause * 1.1, `${wait} after ${tries + 1}`);
    await pass(app, wait);
  }
  await settled(app, id, 4);
  const [delivery] = await deliveriesOf(app, id);
  assert.equal(delivery?.state, "delivered");
  assert.deepEqual(delivery?.attempts.map(({ status }) => status), [500, 302, 503, 200]);
  assert.equal(receiver.received.length, 4, "no redirect was followed");
  assert.equal(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size, 1);
  const { failing_since } = await (await app.request(`/webhooks/${id}`)).json();
  assert.equal(failing_since, null);
});

Deno.test("a receiver that asks to wait is waited for", async () => {
  await using app = await startApp({ env });
  await using receiver = await startReceiver(() =>
    new Response(null, { status: 429, headers: { "Retry-After": "600" } })
  );
  const { id } = await hooked(app, receiver.url);
  app.worker.deliveries.start();
  await happen(app);
  await settled(app, id, 1);
  const [delivery] = await deliveriesOf(app, id);
  assert.ok(Date.parse(delivery!.next_attempt_at!) >= app.clock.now() + 10 * MINUTE);
});

Deno.test("a slow receiver is given up after 15 s, and delays no other webhook", async () => {
  await using app = await startApp({ env });
  const gate = Promise.withResolvers<Response>();
  await using slow = await startReceiver(() => gate.promise);
  await using quick = await startReceiver();
  const { id } = await hooked(app, slow.url);
  const other = await hooked(app, quick.url);
  app.worker.deliveries.start();
  for (let i = 0; i < 10; i++) await happen(app);
  await settled(app, other.id, 10);
  await until(() => slow.received.length === 4);
  await app.clock.advance(15_000);
  await settled(app, id, 4);
  const attempts = (await deliveriesOf(app, id)).flatMap(({ attempts }) => attempts);
  assert.deepEqual([attempts[0]?.status, attempts[0]?.duration_ms], [null, 15_000]);
  gate.resolve(new Response(null));
});

Deno.test("410 disables a webhook at once, on record; PATCH activates it again", async () => {
  await using app = await startApp({ env });
  let status = 410;
  await using receiver = await startReceiver(() => new Response(null, { status }));
  const { id } = await hooked(app, receiver.url);
  app.worker.deliveries.start();
  await happen(app);
  await settled(app, id, 1);
  const gone = await (await app.request(`/webhooks/${id}`)).json();
  assert.deepEqual([gone.active, gone.disabled], [false, "gone"]);
  const { items } = await (await app.request("/audit")).json();
  assert.deepEqual([items[0].action, items[0].actor], ["webhook.disabled", "system"]);
  await happen(app, "while it was disabled");
  await app.clock.advance(6_000);
  assert.equal(receiver.received.length, 1);

  status = 200;
  assert.equal((await send(app, "PATCH", `/webhooks/${id}`, { active: true })).status, 200);
  await app.clock.advance(1);
  await happen(app, "after");
  await until(() => receiver.received.length === 2);
  assert.equal(JSON.parse(receiver.received[1]!.body).data.notes, "after");
});

Deno.test("a receiver that fails for days is not asked any more", async () => {
  await using app = await startApp({ env });
  await using receiver = await startReceiver(() => new Response(null, { status: 500 }));
  const { id } = await hooked(app, receiver.url);
  app.worker.deliveries.start();
  await happen(app);
  await settled(app, id, 1);
  await pass(app, 5 * 24 * HOUR);
  await until(async () => !(await (await app.request(`/webhooks/${id}`)).json()).active);
  const { disabled } = await (await app.request(`/webhooks/${id}`)).json();
  assert.equal(disabled, "failing");
});

Deno.test("replay sends what was delivered again, under the same id", async () => {
  await using app = await startApp({ env });
  await using receiver = await startReceiver();
  const { id } = await hooked(app, receiver.url, ["event.created"]);
  app.worker.deliveries.start();
  await happen(app);
  await settled(app, id, 1);
  const [delivery] = await deliveriesOf(app, id);
  const path = `/webhooks/${id}/deliveries/${delivery!.id}/replay`;
  assert.equal((await send(app, "POST", path)).status, 202);
  await settled(app, id, 2);
  const bodies = receiver.received.map(({ body }) => body);
  assert.equal(bodies[0], bodies[1]);
  assert.equal(receiver.received[1]?.headers["webhook-id"], delivery!.id);
  await app.services.db.kv.delete(tables.feed.key(app.tenant.id, delivery!.id));
  assert.equal((await send(app, "POST", path)).status, 410);
  await send(app, "PATCH", `/webhooks/${id}`, { active: false });
  assert.equal((await send(app, "POST", path)).status, 409);
});

Deno.test("a deactivated tenant is told nothing until it is active again, and then all", async () => {
  await using app = await startApp({ env });
  await using receiver = await startReceiver();
  await hooked(app, receiver.url);
  await happen(app);
  const { db } = app.services;
  const key = tables.tenants.key(app.tenant.id);
  await db.kv.set(key, { ...app.tenant, active: false });
  app.worker.deliveries.start();
  await app.clock.advance(20_000);
  assert.equal(receiver.received.length, 0);
  await db.kv.set(key, app.tenant);
  await app.clock.advance(6_000);
  await until(() => receiver.received.length === 1);
});

Deno.test("nothing is lost or doubled over a restart, and DELETE leaves nothing behind", async () => {
  await using app = await startApp({ env });
  await using receiver = await startReceiver();
  const { id } = await hooked(app, receiver.url, ["event.created"]);
  app.worker.deliveries.start();
  for (let i = 0; i < 3; i++) await happen(app);
  await settled(app, id, 3);
  await app.worker.deliveries.stop();
  for (let i = 0; i < 3; i++) await happen(app);
  // Another process on the same database.
  await using next = await startApp({ env, db: app.services.db });
  next.worker.deliveries.start();
  await settled(app, id, 6);
  const ids = receiver.received.map(({ headers }) => headers["webhook-id"]);
  assert.deepEqual([ids.length, new Set(ids).size], [6, 6]);
  await next.worker.deliveries.stop();
  assert.equal((await send(app, "DELETE", `/webhooks/${id}`)).status, 204);
  for (const table of [tables.webhooks, tables.deliveries, tables.deliveriesWaiting]) {
    const left = app.services.db.list({ prefix: table.prefix() });
    assert.deepEqual(await Array.fromAsync(left), [], table.name);
  }
});

Deno.test("of several processes one serves a tenant, and another when that one is gone", async () => {
  await using app = await startApp({ env, exclusive: false });
  await using other = await startApp({ env, exclusive: false, db: app.services.db });
  await using receiver = await startReceiver();
  const { id } = await hooked(app, receiver.url, ["event.created"]);
  app.worker.deliveries.start();
  other.worker.deliveries.start();
  for (let i = 0; i < 5; i++) await happen(app);
  await app.clock.advance(5_000);
  await other.clock.advance(5_000);
  await settled(app, id, 5);
  assert.equal(receiver.received.length, 5);
  await app.worker.deliveries.stop();
  await happen(app);
  await other.clock.advance(40_000);
  await until(() => receiver.received.length === 6);
  await other.worker.deliveries.stop();
});

Deno.test("tenants without a webhook pay nothing: no cursor, no delivery, no further commit", async () => {
  await using app = await startApp({ env });
  const commits = async () => {
    const before = app.services.db.commits;
    await happen(app);
    return app.services.db.commits - before;
  };
  await happen(app, "notes when the key was used last");
  const without = await commits();
  app.worker.deliveries.start();
  await app.clock.advance(5_000);
  assert.equal(await commits(), without);
  const cursors = app.services.db.list({ prefix: tables.webhookCursors.prefix() });
  assert.deepEqual(await Array.fromAsync(cursors), []);
});

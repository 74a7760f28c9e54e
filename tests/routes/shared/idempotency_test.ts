import assert from "node:assert/strict";
import { createIdempotency } from "../../../lib/idempotency.ts";
import { createMemoryStorage } from "../../../lib/storage/memory.ts";
import { MASTER_KEY, startApp, type TestApp } from "../../helpers/app.ts";
import { png } from "../../helpers/pictures.ts";

type Form = { bytes?: Uint8Array<ArrayBuffer>; name?: string; fields?: Record<string, string> };

function upload(app: TestApp, idempotencyKey: string, form: Form = {}, key?: string) {
  const { bytes = png(), name = "a.png", fields = {} } = form;
  const body = new FormData();
  for (const [field, value] of Object.entries(fields)) body.append(field, value);
  body.append("file", new File([bytes], name));
  const headers = { "Idempotency-Key": idempotencyKey };
  return app.request("/images/upload", { method: "POST", body, headers }, key);
}

async function imagesOf(app: TestApp, key?: string): Promise<number> {
  return (await (await app.request("/images", {}, key)).json()).items.length;
}

const createClient = (app: TestApp, key: string, body: unknown) =>
  app.request("/auth/clients", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify(body),
  }, MASTER_KEY);

Deno.test("the same key and form give the first answer again, and one image", async () => {
  await using app = await startApp({ steps: [] });
  const first = await upload(app, "k1", { fields: { title: "sea" } });
  const again = await upload(app, "k1", { fields: { title: "sea" } });
  assert.deepEqual([first.status, again.status], [202, 202]);
  assert.equal(again.headers.get("Location"), first.headers.get("Location"));
  assert.equal(again.headers.get("Content-Type"), first.headers.get("Content-Type"));
  assert.equal(again.headers.get("Idempotency-Replayed"), "true");
  assert.deepEqual(await again.json(), await first.json());
  assert.equal(await imagesOf(app), 1);
});

Deno.test("50 uploads at once with one key and body make one image", async () => {
  await using app = await startApp({ steps: [] });
  const answers = await Promise.all(Array.from({ length: 50 }, () => upload(app, "k")));
  const statuses = new Set(answers.map(({ status }) => status));
  assert.ok(statuses.has(202) && [...statuses].every((status) => status === 202 || status === 409));
  assert.equal(await imagesOf(app), 1);
  assert.equal((await upload(app, "k")).status, 202, "and the answer can be had afterwards");
  assert.equal(await imagesOf(app), 1);
});

const others: [name: string, form: Form][] = [
  ["other bytes", { bytes: png(8, 8, 1) }],
  ["another file name", { name: "b.png" }],
  ["one more field", { fields: { title: "x" } }],
];

for (const [name, form] of others) {
  Deno.test(`the same key with ${name} is refused`, async () => {
    await using app = await startApp({ steps: [] });
    await upload(app, "k");
    assert.equal((await upload(app, "k", form)).status, 422);
    assert.equal(await imagesOf(app), 1);
  });
}

Deno.test("keys are of one tenant", async () => {
  await using app = await startApp({ steps: [] });
  const other = await app.asTenant();
  const [mine, theirs] = [await upload(app, "k"), await upload(app, "k", {}, other.key)];
  assert.notEqual((await mine.json()).id, (await theirs.json()).id);
  assert.equal(await imagesOf(app, other.key), 1);
});

Deno.test("malformed keys are refused before any work", async () => {
  await using app = await startApp({ steps: [] });
  for (const key of ["", "x".repeat(256), "x".repeat(10_000), "tab\there", "é"]) {
    assert.equal((await upload(app, key)).status, 422, key.slice(0, 20));
  }
  assert.equal((await upload(app, "x".repeat(255))).status, 202);
  assert.equal(await imagesOf(app), 1);
});

Deno.test("a refusal is not kept: the key may be used again", async () => {
  await using app = await startApp({ steps: [] });
  const text = new TextEncoder().encode("no picture");
  assert.equal((await upload(app, "k", { bytes: text })).status, 415);
  assert.equal((await upload(app, "k")).status, 202);
});

Deno.test("a key is forgotten after 24 hours", async () => {
  await using app = await startApp({ steps: [] });
  await upload(app, "k");
  await app.clock.advance(24 * 3_600_000 - 1);
  await upload(app, "k");
  assert.equal(await imagesOf(app), 1);
  await app.clock.advance(1);
  await upload(app, "k");
  assert.equal(await imagesOf(app), 2);
});

Deno.test("an answer with a secret is not kept: the replay is 409 and names what was made", async () => {
  await using app = await startApp();
  const first = await createClient(app, "k", { name: "shop" });
  const { id, api_key } = await first.json();
  const again = await createClient(app, "k", { name: "shop" });
  assert.equal(again.status, 409);
  assert.equal(again.headers.get("Location"), `/auth/clients/${id}`);
  const text = await again.text();
  assert.ok(text.includes(id) && !text.includes(api_key));
  assert.equal((await createClient(app, "k", { name: "other" })).status, 422);
  assert.equal((await app.services.tenants.list(10)).length, 2);
  for await (const { value } of app.services.db.list({ prefix: ["idempotency"] })) {
    assert.ok(!JSON.stringify(value).includes(api_key));
  }
});

Deno.test("a key that is still at work is 409, on another route 422", async () => {
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const storage = createMemoryStorage({
    intercept: async (operation) => {
      if (operation !== "put") return;
      arrived.resolve();
      await gate.promise;
    },
  });
  await using app = await startApp({ steps: [], storage });
  const first = upload(app, "k");
  await arrived.promise;
  const second = await upload(app, "k");
  assert.deepEqual([second.status, second.headers.get("Retry-After")], [409, "1"]);
  const elsewhere = await app.request("/auth/keys", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": "k" },
    body: JSON.stringify({ name: "k", scopes: ["admin"] }),
  });
  assert.equal(elsewhere.status, 422);
  gate.resolve();
  assert.equal((await first).status, 202);
});

/** Another process on the app's database, which dies in the middle of its work. */
async function beginElsewhere({ services, clock, tenant }: TestApp, exclusive: boolean) {
  const dead = createIdempotency({
    db: services.db,
    clock: { ...clock, after: () => () => {} },
    newId: () => crypto.randomUUID(),
    exclusive,
  });
  await dead.begin(tenant.id, "k", "POST /images/upload", null);
}

Deno.test("a process that died does not block a key: at once when it was the only one", async () => {
  await using app = await startApp({ steps: [] });
  await beginElsewhere(app, true);
  assert.equal((await upload(app, "k")).status, 202);
});

Deno.test("a process that died does not block a key: after its lease when there are several", async () => {
  await using app = await startApp({ steps: [], exclusive: false });
  await beginElsewhere(app, false);
  assert.equal((await upload(app, "k")).status, 409);
  await app.clock.advance(60_000);
  assert.equal((await upload(app, "k")).status, 202);
});

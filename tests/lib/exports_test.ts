import assert from "node:assert/strict";
import { z } from "zod";
import { sha256Of } from "../../lib/auth/key_format.ts";
import type { AnyTable } from "../../lib/kv.ts";
import { createMemoryStorage } from "../../lib/storage/memory.ts";
import type { Storage } from "../../lib/storage/storage.ts";
import { tables } from "../../lib/tables.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { ingest, jpeg } from "../helpers/photos.ts";
import { png } from "../helpers/pictures.ts";
import { untar } from "../helpers/untar.ts";

type Line = { key: Record<string, unknown>; value: unknown };

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

/** The lines of all parts of a table. */
function linesOf(files: Map<string, Uint8Array>, table: string): Line[] {
  const parts = [...files].filter(([name]) => name.startsWith(`records/${table}-`)).toSorted();
  return parts.flatMap(([, bytes]) => text(bytes).trimEnd().split("\n").map((l) => JSON.parse(l)));
}

async function exported({ services }: TestApp, tenant: string) {
  const { exports, tenants } = services;
  return await untar(await exports.open(await tenants.get(tenant), "key:test"));
}

/** Images with text and a variant, a listing, a refusal, a second key, a dead letter. */
async function live(app: TestApp, key: string, tenant: string) {
  for (let i = 0; i < 3; i++) await app.upload(png(32, 32, i), `Été ${i}.png`, key);
  await app.upload(new TextEncoder().encode("no picture"), "letter.txt", key);
  await app.drain();
  const { items: [image] } = await (await app.request("/images", {}, key)).json();
  assert.equal((await app.request(`/images/${image.id}/render?w=9`, {}, key)).status, 200);
  await ingest(app, [await jpeg(1), await jpeg(2)], { title: "Coat", key });
  await app.request("/auth/keys", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": "once" },
    body: JSON.stringify({ name: "second", scopes: ["images:read"] }),
  }, key);
  const { db, images, jobs } = app.services;
  const job = await jobs.get(tenant, (await images.get(tenant, image.id)).job);
  await db.transact((tx) => {
    jobs.bury(tx, job, "exif");
    tx.set(tables.texts.key(tenant, image.id, 0), "the text in the picture");
    tx.sum(tables.aiSpending.key(tenant, "2026-05", "calls"), 7);
  });
}

/** Told by nobody: what follows from other records, or is kept for the machinery alone. */
const LEFT_OUT = [
  "idempotency",
  "images_by_hash",
  "images_by",
  "terms",
  "tag_counts",
  "refusal_slots",
  "refusal_count",
  "drafts_by_status",
  "jobs_by_state",
  "jobs_running",
  "dead_letters_by_step",
];

Deno.test("an export holds every record and every byte of the tenant, and nothing of another", async () => {
  await using app = await startApp();
  const other = await app.asTenant();
  await live(app, app.key, app.tenant.id);
  await live(app, other.key, other.tenant.id);
  const files = await exported(app, app.tenant.id);

  // A recount that trusts no list of tables: all that stands under the tenant's id.
  const kept = new Map<string, number>();
  for await (const { key } of app.services.db.list({ prefix: [] })) {
    if (key[1] !== app.tenant.id) continue;
    const name = String(key[0]);
    if (!LEFT_OUT.includes(name)) kept.set(name, (kept.get(name) ?? 0) + 1);
  }
  assert.ok(kept.size >= 12, [...kept.keys()].join());
  for (const [name, count] of kept) assert.equal(linesOf(files, name).length, count, name);
  for (const { key, value } of linesOf(files, "images")) {
    assert.deepEqual(value, await app.services.images.get(app.tenant.id, String(key.image)));
  }
  assert.deepEqual(linesOf(files, "ai_spending"), [
    { key: { month: "2026-05", counter: "calls" }, value: 7 },
  ]);
  assert.deepEqual(linesOf(files, "texts").map(({ value }) => value), ["the text in the picture"]);

  const bytes = [...files].filter(([name]) => name.startsWith("files/"));
  let objects = 0;
  for await (const { key } of app.services.storage.list(`${app.tenant.id}/`)) {
    const name = `files/${key.slice(key.indexOf("/") + 1)}`;
    const file = files.get(name) ?? files.get(`${name}.png`);
    const stored = await app.services.storage.get(key);
    assert.deepEqual(file, await new Response(stored?.body).bytes(), name);
    objects++;
  }
  assert.equal(bytes.length, objects);
  const names = linesOf(files, "images").map(({ value }) => z.looseObject({}).parse(value))
    .map(({ original_name }) => original_name);
  assert.deepEqual(names.toSorted(), ["Été 0.png", "Été 1.png", "Été 2.png"]);

  const summary = JSON.parse(text(files.get("export.json")));
  assert.deepEqual(summary.records, Object.fromEntries(kept));
  assert.deepEqual([summary.files, summary.incomplete], [objects, []]);
  assert.equal(summary.bytes, bytes.reduce((sum, [, { length }]) => sum + length, 0));
  assert.match(text(files.get("README.txt")), /"default"/);
  for (const [name, content] of files) {
    assert.ok(!name.includes(other.tenant.id) && !text(content).includes(other.tenant.id), name);
  }
});

Deno.test("an export holds no key and no hash of one", async () => {
  await using app = await startApp();
  await live(app, app.key, app.tenant.id);
  const files = await exported(app, app.tenant.id);
  assert.equal(linesOf(files, "api_keys").length, 2);
  const all = [...files.values()].map(text).join("\n");
  for (const secret of [app.key, sha256Of(app.key)]) assert.ok(!all.includes(secret));
});

/** Names of fields that sound like secrets, and are none: hashes of pictures, tokens of models. */
const HARMLESS = /^(images|media|drafts)\.(sha256|thumbhash|dhash)$|\.\w+_tokens$|\.tokens_\w+$/;

Deno.test("no field that an export tells sounds like a secret", () => {
  const all: (AnyTable & { shape: z.ZodType })[] = Object.values(tables);
  for (const { name, exported, shape } of all.filter(({ exported }) => exported)) {
    const hidden = typeof exported === "object" ? exported.without : [];
    const described = JSON.stringify(z.toJSONSchema(shape, { unrepresentable: "any" }));
    const fields = [...described.matchAll(/"(\w+)":\{/g)].map(([, field]) => field!);
    const suspects = fields
      .filter((field) => /secret|password|hash|sha256|token|credential|cipher/.test(field))
      .filter((field) => !hidden.includes(field) && !HARMLESS.test(`${name}.${field}`));
    assert.deepEqual(suspects, [], `${name}: leave it out of exports, or say here why not`);
  }
});

Deno.test("a file that is deleted while an export is read is named, the others are whole", async () => {
  const storage: Storage = createMemoryStorage({
    intercept: async (operation, key) => {
      if (operation === "get" && key === goes) await storage.delete(key);
    },
  });
  let goes = "";
  await using app = await startApp({ storage });
  for (let i = 0; i < 3; i++) await app.upload(png(32, 32, i));
  const { items } = await (await app.request("/images")).json();
  goes = `${app.tenant.id}/${items[1].id}/original`;
  const files = await exported(app, app.tenant.id);
  const { files: count, incomplete } = JSON.parse(text(files.get("export.json")));
  assert.deepEqual([count, incomplete], [2, [`files/${items[1].id}/original.png`]]);
  assert.deepEqual(files.get(`files/${items[0].id}/original.png`), png(32, 32, 2));
});

Deno.test("an export in many parts has each record once, and can be told while others write", async () => {
  await using app = await startApp();
  const { audit, db } = app.services;
  const note = (i: number) =>
    db.transact((tx) =>
      audit.note(tx, app.tenant.id, "system", "test", { details: { i, x: "x".repeat(20_000) } })
    );
  for (let i = 0; i < 120; i++) await note(i);
  const [files] = await Promise.all([exported(app, app.tenant.id), note(120), note(121)]);
  const parts = [...files.keys()].filter((name) => name.startsWith("records/audit-"));
  assert.ok(parts.length >= 3, parts.join());
  const told = linesOf(files, "audit").map(({ key }) => key.entry);
  assert.equal(new Set(told).size, told.length);
  assert.ok(told.length >= 122, "120, the client's creation and the export itself");
});

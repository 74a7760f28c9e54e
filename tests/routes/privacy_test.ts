import assert from "node:assert/strict";
import { configureLogs } from "../../lib/logging.ts";
import { RetentionTerm } from "../../lib/model/retention.ts";
import { createMemoryStorage } from "../../lib/storage/memory.ts";
import { startApp } from "../helpers/app.ts";
import { until } from "../helpers/clock.ts";
import { startFakeAi } from "../helpers/fake_ai.ts";
import { draftOf, ingest, jpeg } from "../helpers/photos.ts";
import { png } from "../helpers/pictures.ts";
import { untar } from "../helpers/untar.ts";

const confirm = (name: string): RequestInit => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ confirm: name }),
});

Deno.test("GET /privacy/export is an archive to save, of one's own tenant, and is on record", async () => {
  await using app = await startApp({ steps: [] });
  await app.upload(png());
  const answer = await app.request("/privacy/export");
  assert.deepEqual(
    ["Content-Type", "Content-Disposition", "Cache-Control"].map((name) =>
      answer.headers.get(name)
    ),
    ["application/x-tar", 'attachment; filename="imago-export-2026-05-01.tar"', "no-store"],
  );
  const files = await untar(answer.body!);
  assert.ok(files.has("export.json"));
  const { items } = await (await app.request("/audit")).json();
  assert.equal(items[0].action, "privacy.exported");
  assert.match(items[0].actor, /^key:/);
});

Deno.test("GET /privacy/export is read one at a time; who goes away makes room", async () => {
  await using app = await startApp({ steps: [] });
  const other = await app.asTenant();
  // More than is written ahead of its reader.
  for (let i = 0; i < 12; i++) {
    await app.services.storage.put(`${app.tenant.id}/x/${i}`, new Uint8Array(1_048_576));
  }
  const large = await app.request("/privacy/export");
  assert.equal((await app.request("/privacy/export")).status, 409);
  const theirs = await other.request("/privacy/export");
  assert.equal(theirs.status, 200);
  await Promise.all([large.body?.cancel(), theirs.body?.cancel()]);
  await until(async () => {
    const again = await app.request("/privacy/export");
    await again.body?.cancel();
    return again.status === 200;
  });
});

Deno.test("POST /privacy/erase wants the name, erases all, and leaves a receipt to read without a key", async () => {
  await using app = await startApp();
  const other = await app.asTenant();
  await app.upload(png(32, 32));
  await app.upload(png(32, 32), "theirs.png", other.key);
  await app.drain();
  for (const name of ["Default", "", "other"]) {
    assert.equal((await app.request("/privacy/erase", confirm(name))).status, 422);
  }
  assert.equal((await app.request("/images")).status, 200, "nothing has happened yet");

  const answer = await app.request("/privacy/erase", confirm("default"));
  assert.equal(answer.status, 200);
  const { receipt_url, ...receipt } = await answer.json();
  assert.deepEqual([receipt.id, receipt.state, receipt.erased.objects], [app.tenant.id, "done", 3]);
  assert.equal((await app.request("/images")).status, 401, "its keys are gone as well");
  const path = new URL(receipt_url).pathname;
  assert.deepEqual(await (await app.app.request(path)).json(), receipt);
  assert.equal((await app.app.request(`${path.slice(0, -2)}xx`)).status, 403);
  assert.equal((await other.request("/images")).status, 200);

  // A recount that trusts no list of tables.
  for await (const { key, value } of app.services.db.list({ prefix: [] })) {
    const entry = JSON.stringify([key, value], (_, v) => typeof v === "bigint" ? `${v}` : v);
    const told = key[0] === "erasures" || key[0] === "first_tenant";
    assert.ok(told || !entry.includes(app.tenant.id), entry);
  }
  for await (const { key } of app.services.storage.list("")) {
    assert.ok(!key.startsWith(app.tenant.id), key);
  }
});

Deno.test("POST /privacy/erase answers 202 when there is much, and its link tells the end", async () => {
  const gate = Promise.withResolvers<void>();
  let waits = false;
  const storage = createMemoryStorage({
    intercept: async (operation) => {
      if (operation !== "delete") return;
      waits = true;
      await gate.promise;
    },
  });
  await using app = await startApp({ storage, steps: [] });
  await app.upload(png());
  const asked = app.request("/privacy/erase", confirm("default"));
  await until(() => waits);
  await app.clock.advance(20_000);
  const answer = await asked;
  assert.equal(answer.status, 202);
  const { state, done_at, receipt_url } = await answer.json();
  assert.deepEqual([state, done_at], ["running", null]);
  gate.resolve();
  const path = new URL(receipt_url).pathname;
  await until(async () => (await (await app.app.request(path)).json()).state === "done");
});

Deno.test("logs name no file and no address, and tell by a pseudonym who is the same", async () => {
  const lines: string[] = [];
  await configureLogs({ DEBUG: false, LOG_LEVEL: "debug", write: (line) => lines.push(line) });
  try {
    await using app = await startApp();
    const from = (hostname: string, path: string, init: RequestInit = {}) =>
      app.app.request(path, { ...init, headers: { "X-API-Key": app.key } }, {
        remoteAddr: { transport: "tcp", hostname, port: 1 },
      });
    for (const bytes of [png(), new TextEncoder().encode("no picture")]) {
      const body = new FormData();
      body.append("file", new File([bytes], "Marie Curie.jpg"));
      await from("203.0.113.77", "/images/upload", { method: "POST", body });
    }
    await app.drain();
    await from("203.0.113.77", "/images");
    await from("2001:db8:1:2:3::4", "/images?text=Sklodowska&original_name=Marie");
    await from("2001:db8:1:2:9::9", "/nowhere/Marie");
    const clients = lines.map((line) => JSON.parse(line).properties.client).filter(Boolean);
    assert.equal(clients.length, 5);
    assert.match(clients[0], /^address_[\w-]{12}$/);
    assert.equal(new Set(clients.slice(0, 3)).size, 1);
    assert.equal(new Set(clients).size, 2, "addresses of one /64 are one");
    assert.doesNotMatch(lines.join("\n"), /Marie|Curie|Sklodowska|203\.0\.113|2001:db8/);
  } finally {
    await configureLogs({ DEBUG: false, LOG_LEVEL: "error" });
  }
});

Deno.test("nothing of a client with external_ai: false goes to a model, whatever it asks for", async () => {
  const ai = startFakeAi();
  const env = { AI_PROVIDER: "openai", OPENAI_BASE_URL: ai.openaiBaseUrl };
  try {
    await using app = await startApp({ env });
    const { key, request } = await app.asTenant({ external_ai: false });
    const { id } = await (await app.upload(png(), "a.png", key)).json();
    await app.drain();
    await request(`/images/${id}/reprocess`, { method: "POST" });
    await app.drain();
    const listing = await draftOf(await ingest(app, [await jpeg()], { key }));
    const asks: [path: string, body: unknown][] = [
      [`/api/v1/listings/${listing.id}/suggest`, {}],
      ["/ai/summarize", { url: "https://example.com/" }],
      ["/ai/draft-task", { description: "Paint the fence" }],
    ];
    for (const [path, body] of asks) {
      const answer = await request(path, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
      });
      assert.equal(answer.status, 403, path);
    }
    assert.equal(ai.requests.length, 0);
    await app.upload(png());
    await app.drain();
    assert.equal(ai.requests.length, 1, "that of others does");
  } finally {
    await ai.close();
  }
});

Deno.test("GET /privacy/retention tells admins how long things are kept", async () => {
  await using app = await startApp({ env: { EVENT_RETENTION_DAYS: "30" } });
  const { items } = await (await app.request("/privacy/retention")).json();
  const terms = new Map(items.map((term: RetentionTerm) => [term.what, term.keep_days]));
  assert.deepEqual([terms.get("events"), terms.get("camera_frames")], [30, 7]);
  assert.deepEqual([...terms.keys()].toSorted(), RetentionTerm.shape.what.options.toSorted());
});

import assert from "node:assert/strict";
import { isWellFormed, makeKey, sha256Of } from "../../../lib/auth/api_keys.ts";
import { MASTER_KEY, startApp } from "../../helpers/app.ts";

Deno.test("makeKey() gives keys of the documented shape, all different", () => {
  const keys = Array.from({ length: 50 }, makeKey);
  for (const key of keys) assert.match(key, /^imago_[0-9A-Za-z]{46}$/);
  assert.equal(new Set(keys).size, keys.length);
});

Deno.test("isWellFormed() notices any single changed character", () => {
  const key = makeKey();
  assert.ok(isWellFormed(key));
  for (let i = 0; i < key.length; i++) {
    const other = key[i] === "a" ? "b" : "a";
    assert.ok(!isWellFormed(key.slice(0, i) + other + key.slice(i + 1)), `position ${i}`);
  }
});

Deno.test("authenticate() knows a tenant's key, the master key, and nobody else", async () => {
  await using app = await startApp();
  const { keys } = app.services;
  const principal = await keys.authenticate(app.key);
  assert.equal(principal?.kind === "tenant" && principal.tenant, app.tenant.id);
  assert.equal((await keys.authenticate(MASTER_KEY))?.kind, "master");
  for (const stranger of ["", "x", makeKey(), app.key.slice(0, -1), `${MASTER_KEY}x`]) {
    assert.equal(await keys.authenticate(stranger), null, stranger);
  }
});

Deno.test("issue() leaves no key in clear in the database", async () => {
  await using app = await startApp();
  for await (const { key, value } of app.services.db.list({ prefix: [] })) {
    const text = JSON.stringify([key, value], (_, v) => typeof v === "bigint" ? String(v) : v);
    assert.ok(!text.includes(app.key.slice(12, -4)), String(key[0]));
  }
});

Deno.test("forget() empties what is believed of a tenant at once", async () => {
  await using app = await startApp();
  const { keys, db } = app.services;
  assert.ok(await keys.authenticate(app.key));
  await db.kv.delete(["api_keys_by_hash", sha256Of(app.key)]);
  assert.ok(await keys.authenticate(app.key), "believed from memory");
  keys.forget(app.tenant.id);
  assert.equal(await keys.authenticate(app.key), null);
});

import assert from "node:assert/strict";
import { makeKey, sha256Of } from "../../../lib/auth/key_format.ts";
import { MASTER_KEY, startApp } from "../../helpers/app.ts";

Deno.test("authenticate() knows a tenant's key, the master key, and nobody else", async () => {
  await using app = await startApp();
  const { principals } = app.services;
  const principal = await principals.authenticate(app.key);
  assert.equal(principal?.kind === "tenant" && principal.tenant, app.tenant.id);
  assert.equal((await principals.authenticate(MASTER_KEY))?.kind, "master");
  for (const stranger of ["", "x", makeKey(), app.key.slice(0, -1), `${MASTER_KEY}x`]) {
    assert.equal(await principals.authenticate(stranger), null, stranger);
  }
});

Deno.test("forget() empties what is believed of a tenant at once", async () => {
  await using app = await startApp();
  const { principals, db } = app.services;
  assert.ok(await principals.authenticate(app.key));
  await db.kv.delete(["api_keys_by_hash", sha256Of(app.key)]);
  assert.ok(await principals.authenticate(app.key), "believed from memory");
  principals.forget(app.tenant.id);
  assert.equal(await principals.authenticate(app.key), null);
});

Deno.test("authenticate() believes nothing that was read before a change and arrives after it", async () => {
  await using app = await startApp();
  const { principals, keys, db } = app.services;
  const get = db.get;
  const gate = Promise.withResolvers<void>();
  const reading = Promise.withResolvers<void>();
  db.get = async (key) => {
    const value = await get(key);
    if (key[0] === "tenants") {
      reading.resolve();
      await gate.promise;
    }
    return value;
  };
  const late = principals.authenticate(app.key);
  await reading.promise;
  db.get = get;
  await keys.rotate(app.tenant.id, 0, "master");
  gate.resolve();
  await late;
  assert.equal(await principals.authenticate(app.key), null);
});

Deno.test("authenticate() of another process refuses what was revoked within a second", async () => {
  await using here = await startApp({ exclusive: false });
  await using there = await startApp({ exclusive: false, db: here.services.db });
  const rotations: [name: string, revoke: () => Promise<unknown>][] = [
    ["rotated", () => here.services.keys.rotate(here.tenant.id, 0, "master")],
    ["deactivated", () => here.services.tenants.patch(here.tenant.id, { active: false }, "master")],
  ];
  let key = here.key;
  for (const [name, revoke] of rotations) {
    assert.ok(await there.services.principals.authenticate(key), name);
    const made = await revoke();
    assert.equal(await here.services.principals.authenticate(key), null, `${name}: here at once`);
    await there.clock.advance(1_000);
    assert.equal(await there.services.principals.authenticate(key), null, `${name}: there`);
    if (made && typeof made === "object" && "secret" in made) key = String(made.secret);
  }
});

Deno.test("isKnown() is true of keys that proved right, never of tokens, the master key or guesses", async () => {
  await using app = await startApp({ env: { API_TOKEN: "a-token-of-any-shape" } });
  const { principals } = app.services;
  assert.equal(principals.isKnown(app.key), false);
  for (const secret of [app.key, MASTER_KEY, "a-token-of-any-shape", makeKey()]) {
    await principals.authenticate(secret);
    assert.equal(principals.isKnown(secret), secret === app.key);
  }
  principals.forget(app.tenant.id);
  assert.equal(principals.isKnown(app.key), false);
});

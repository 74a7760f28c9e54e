import assert from "node:assert/strict";
import { loadSecrets } from "../../lib/secrets.ts";

Deno.test("loadSecrets() makes what was not given once, for its owner alone", async () => {
  const folder = await Deno.makeTempDir();
  const first = await loadSecrets(folder, {});
  assert.ok(first.newAdminKey);
  const second = await loadSecrets(folder, {});
  assert.deepEqual(second, { ...first, newAdminKey: null });
  assert.equal((await Deno.stat(`${folder}/secrets.json`)).mode! & 0o777, 0o600);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("loadSecrets() adds a kind of secret that an older file lacks, and keeps the others", async () => {
  const folder = await Deno.makeTempDir();
  const older = { signedUrlSecret: "s".repeat(43), adminKeySha256: "a".repeat(64) };
  await Deno.writeTextFile(`${folder}/secrets.json`, JSON.stringify(older));
  const { signedUrlSecret, adminKeySha256, encryptionKeys } = await loadSecrets(folder, {});
  assert.deepEqual({ signedUrlSecret, adminKeySha256 }, older);
  assert.deepEqual((await loadSecrets(folder, {})).encryptionKeys, encryptionKeys);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("loadSecrets() prefers what is given", async () => {
  const folder = await Deno.makeTempDir();
  await loadSecrets(folder, {});
  const { encryptionKeys } = await loadSecrets(folder, { encryptionKeys: ["new", "old"] });
  assert.deepEqual(encryptionKeys, ["new", "old"]);
  await Deno.remove(folder, { recursive: true });
});

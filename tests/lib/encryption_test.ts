import assert from "node:assert/strict";
import { createEncryption } from "../../lib/encryption.ts";

const OLD = "an-old-key-of-32-bytes-or-more-000";
const NEW = "a-new-key-of-32-bytes-or-more-0000";

Deno.test("open() gives back what seal() was given, and no two seals look alike", async () => {
  const { seal, open } = createEncryption([NEW]);
  const sealed = await seal("pässword", "tenant/camera/1");
  assert.equal(await open(sealed, "tenant/camera/1"), "pässword");
  assert.notEqual(await seal("pässword", "tenant/camera/1"), sealed);
  assert.match(sealed, /^[\w-]+$/);
});

Deno.test("open() refuses another context, a changed byte, a foreign key and nonsense", async () => {
  const { seal, open } = createEncryption([NEW]);
  const sealed = await seal("secret", "tenant/camera/1");
  const changed = (sealed.startsWith("A") ? "B" : "A") + sealed.slice(1);
  await assert.rejects(open(sealed, "tenant/camera/2"), /Cannot decrypt/);
  await assert.rejects(open(changed, "tenant/camera/1"), /Cannot decrypt/);
  await assert.rejects(createEncryption([OLD]).open(sealed, "tenant/camera/1"), /Cannot decrypt/);
  await assert.rejects(open("", "tenant/camera/1"), /Cannot decrypt/);
});

Deno.test("open() still opens what an earlier key sealed; seal() takes the new one", async () => {
  const old = await createEncryption([OLD]).seal("secret", "x");
  const changing = createEncryption([NEW, OLD]);
  assert.equal(await changing.open(old, "x"), "secret");
  assert.equal(
    await createEncryption([NEW]).open(await changing.seal("secret", "x"), "x"),
    "secret",
  );
});

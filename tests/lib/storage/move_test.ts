import assert from "node:assert/strict";
import { createMemoryStorage } from "../../../lib/storage/memory.ts";
import { moveObjects } from "../../../lib/storage/move.ts";
import { objectsNamed } from "../../../lib/objects.ts";
import { startApp } from "../../helpers/app.ts";
import { png } from "../../helpers/pictures.ts";
import { recount } from "../../helpers/recount.ts";

/** An app with three pictures, and where its bytes are. */
async function album() {
  const from = createMemoryStorage();
  const app = await startApp({ storage: from });
  for (let n = 0; n < 3; n++) await (await app.upload(png(8, 8, n))).text();
  await app.drain();
  return { app, db: app.services.db, from, to: createMemoryStorage() };
}

Deno.test("moveObjects() copies what records name, goes on where it was, then deletes", async () => {
  const { app, db, from, to } = await album();
  await using _ = app;
  const named = await Array.fromAsync(objectsNamed(db));
  assert.equal(named.length, 9);
  await from.put(`${app.tenant.id}/orphan/original`, new Uint8Array(1));
  const second = named[1]!;
  await to.put(second.key, await new Response((await from.get(second.key))!.body).bytes());
  const first = await moveObjects({ db, from, to, deleteAfter: false });
  assert.deepEqual([first.copied, first.skipped, first.deleted], [8, 1, 0]);
  const again = await moveObjects({ db, from, to, deleteAfter: true });
  assert.deepEqual([again.copied, again.skipped, again.deleted], [0, 9, 9]);
  assert.deepEqual(await recount(db, to), []);
  assert.equal((await Array.fromAsync(from.list(""))).length, 1);
});

Deno.test("moveObjects() takes one tenant's alone", async () => {
  const { app, db, from, to } = await album();
  await using _ = app;
  const other = await app.asTenant();
  await (await app.upload(png(9, 9), "b.png", other.key)).text();
  await app.drain();
  const { copied } = await moveObjects({
    db,
    from,
    to,
    tenant: other.tenant.id,
    deleteAfter: false,
  });
  assert.equal(copied, 3);
});

Deno.test("moveObjects() tells what is missing or damaged, copies neither, deletes nothing", async () => {
  const { app, db, from, to } = await album();
  await using _ = app;
  const originals = (await Array.fromAsync(objectsNamed(db))).filter(({ sha256 }) => sha256);
  const [gone, other] = [originals[0]!, originals[1]!];
  await from.delete(gone.key);
  await from.put(other.key, new Uint8Array(other.size ?? 0));
  const report = await moveObjects({ db, from, to, deleteAfter: true });
  assert.deepEqual([report.missing, report.damaged], [[gone.key], [other.key]]);
  assert.equal(await to.stat(other.key), null);
  assert.deepEqual([report.copied, report.deleted], [7, 0]);
});

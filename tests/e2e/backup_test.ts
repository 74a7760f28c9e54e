import assert from "node:assert/strict";
import { draftOf, ingest, jpeg } from "../helpers/photos.ts";
import { png } from "../helpers/pictures.ts";
import { recountFolder } from "../helpers/recount.ts";
import { startServer } from "../helpers/server.ts";

const ROOT = new URL("../../", import.meta.url);

/** Runs one of the operator's tasks; what it said, and its exit status. */
async function task(name: string, dataDir: string, ...args: string[]) {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", name, ...args],
    cwd: ROOT,
    env: { DATA_DIR: dataDir, DATABASE_URL: "", STORAGE_BACKEND: "local" },
  }).output();
  return { code, said: new TextDecoder().decode(stderr) };
}

async function withFolder(work: (folder: string) => Promise<void>) {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("backup while uploads run is whole, and restore brings it elsewhere", () =>
  withFolder(async (folder) => {
    const [from, copy, to] = ["from", "copy", "to"].map((name) => `${folder}/${name}`) as [
      string,
      string,
      string,
    ];
    const known: string[] = [];
    await using server = await startServer({ dataDir: from });
    const upload = async (n: number) => {
      const answer = await server.upload(png(16, 16 + n % 5, n % 256));
      const { id } = await answer.json();
      if (n % 4 === 0) await (await server.request(`/images/${id}`, { method: "DELETE" })).text();
      else known.push(id);
    };
    for (let n = 1; n <= 10; n++) await upload(n);
    const draft = await draftOf(await ingest(server, [await jpeg()], { title: "Coat" }));
    const before = known.slice();
    let uploading = true;
    const uploads = (async () => {
      for (let n = 11; uploading; n++) await upload(n);
    })();
    const backup = await task("backup", from, copy);
    uploading = false;
    await uploads;
    assert.equal(backup.code, 0, backup.said);
    assert.ok(known.length > before.length, "it did run while uploads did");
    const whileRunning = await task("restore", from, copy);
    assert.equal(whileRunning.code, 1);
    assert.match(whileRunning.said, /already runs on/);
    await server.kill("SIGTERM");

    assert.match((await task("restore", from, copy)).said, /not empty/);
    const restored = await task("restore", to, copy);
    assert.equal(restored.code, 0, restored.said);
    const mode = (await Deno.stat(`${to}/secrets.json`)).mode ?? 0;
    assert.equal(mode & 0o777, 0o600);
    await Deno.copyFile(`${from}/test-keys.json`, `${to}/test-keys.json`);
    await using other = await startServer({ dataDir: to });
    await other.settle();
    const photo = await fetch(`${other.base}${draft.photos[0]!.media.url}`);
    assert.deepEqual([photo.status, (await photo.bytes()).length > 0], [200, true]);
    await other.kill("SIGTERM");
    const ready = "✅ /ingest/upload ready | storage=local | MAX_DIM=1600 | JPEG_QUALITY=80";
    assert.ok(other.log.includes(ready));
    const { broken } = await recountFolder(to, { acknowledged: before });
    assert.deepEqual(broken, []);
  }));

Deno.test("restore refuses a backup that was changed, and Imago what it left", () =>
  withFolder(async (folder) => {
    const [from, copy, to] = ["from", "copy", "to"].map((name) => `${folder}/${name}`) as [
      string,
      string,
      string,
    ];
    await using server = await startServer({ dataDir: from });
    await (await server.upload(png())).text();
    await server.settle();
    assert.equal((await task("backup", from, copy)).code, 0);
    await server.kill("SIGTERM");
    const sums = await Deno.readTextFile(`${copy}/SHA256SUMS`);
    const victim = `${copy}/${/ (objects\/\S+)/.exec(sums)?.[1]}`;
    const bytes = await Deno.readFile(victim);
    bytes[bytes.length - 1]! ^= 1;
    // Not in place: it is the same file as the server's.
    await Deno.remove(victim);
    await Deno.writeFile(victim, bytes);
    const { code, said } = await task("restore", to, copy);
    assert.equal(code, 1);
    assert.match(said, /another than when it was made/);
    await assert.rejects(startServer({ dataDir: to }), /restore into it was interrupted/);
  }));

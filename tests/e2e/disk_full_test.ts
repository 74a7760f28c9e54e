import assert from "node:assert/strict";
import { png } from "../helpers/pictures.ts";
import { recountFolder } from "../helpers/recount.ts";
import { startServer } from "../helpers/server.ts";

const MB = 1_048_576;

async function run(...command: [string, ...string[]]): Promise<boolean> {
  const [program, ...args] = command;
  try {
    const output = new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output();
    return (await output).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Only root may mount, and not everywhere. */
async function canMount(): Promise<boolean> {
  const folder = await Deno.makeTempDir();
  const mounted = await run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder);
  if (mounted) await run("umount", folder);
  await Deno.remove(folder);
  return mounted;
}

Deno.test({
  name: "a disk that fills up refuses uploads with 507, reads on, and recovers",
  ignore: Deno.build.os !== "linux" || !await canMount(),
  async fn() {
    const dataDir = await Deno.makeTempDir();
    assert.ok(await run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", dataDir));
    try {
      await using server = await startServer({ dataDir, env: { MIN_FREE_DISK_MB: "24" } });
      const ids: string[] = [];
      let status = 202;
      for (let n = 0; status === 202 && n < 40; n++) {
        const answer = await server.upload(png(2_000, 2_000 + n, n));
        status = answer.status;
        const { id, type } = await answer.json();
        if (status === 202) ids.push(id);
        else assert.match(type, /storage_full$/);
      }
      assert.equal(status, 507);
      assert.ok(ids.length >= 3, `${ids.length} pictures fit`);
      assert.ok(await freeBytes(dataDir) > 16 * MB, "the database keeps its room");

      // Health is at most two seconds old.
      for (let tries = 0, disk = "ok"; disk !== "failing"; tries++) {
        assert.ok(tries < 100, "health never told that the disk is full");
        assert.equal((await server.upload(png(2_000, 2_000))).status, 507);
        await new Promise((resolve) => setTimeout(resolve, 50));
        const { parts } = await (await server.request("/health/detailed")).json();
        disk = parts.disk.state;
      }
      assert.equal((await server.request(`/images/${ids[0]}`)).status, 200);
      for (const id of ids.splice(0, 3)) {
        const gone = await server.request(`/images/${id}`, { method: "DELETE" });
        assert.equal(gone.status, 204);
      }
      // What it knows of the disk is two seconds old at the most.
      const again = await untilAccepted(() => server.upload(png(200, 200)));
      ids.push(again);
      await server.settle();
      await server.kill("SIGTERM");
      assert.deepEqual((await recountFolder(dataDir, { acknowledged: ids })).broken, []);
    } finally {
      await run("umount", dataDir);
      await Deno.remove(dataDir);
    }
  },
});

async function freeBytes(folder: string): Promise<number> {
  const { statfs } = await import("node:fs/promises");
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function untilAccepted(upload: () => Promise<Response>): Promise<string> {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await upload();
    const { id } = await answer.json();
    if (answer.status === 202) return id;
    assert.equal(answer.status, 507);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("it never took pictures again");
}

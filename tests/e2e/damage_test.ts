import assert from "node:assert/strict";
import { png } from "../helpers/pictures.ts";
import { launchServer, startServer } from "../helpers/server.ts";

const CONFIG_ERROR = 78;

/** A data folder with a picture, whose program was killed, and what was then done to it. */
async function afterKill(signal: Deno.Signal, harm: (folder: string) => Promise<void>) {
  const dataDir = await Deno.makeTempDir();
  try {
    {
      await using server = await startServer({ dataDir });
      for (let n = 0; n < 5; n++) await (await server.upload(png(8, 8, n))).text();
      await server.settle();
      await server.kill(signal);
    }
    await harm(dataDir);
    await using server = await launchServer({ dataDir });
    const ready = server.ready().then(() => "ready", () => "ended");
    if (await ready === "ready") return { code: 0, said: "" };
    const { code } = await server.stopped;
    return { code, said: server.log.join("\n") };
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function refuses(
  signal: Deno.Signal,
  harm: (folder: string) => Promise<void>,
  sentence: RegExp,
) {
  const { code, said } = await afterKill(signal, harm);
  assert.equal(code, CONFIG_ERROR, said);
  assert.match(said, sentence);
  assert.doesNotMatch(said, /^ +at /m, "no stack");
}

Deno.test("a start after a kill, with nothing else wrong, succeeds", async () => {
  assert.equal((await afterKill("SIGKILL", () => Promise.resolve())).code, 0);
});

Deno.test("a start refuses when the write-ahead log of a killed process is gone", () =>
  refuses("SIGKILL", (folder) => Deno.remove(`${folder}/imago.kv-wal`), /imago\.kv-wal.*is gone/));

Deno.test("a start refuses when the database of a used folder is gone", () =>
  refuses("SIGTERM", (folder) => Deno.remove(`${folder}/imago.kv`), /used before.*is gone/));

Deno.test("a start refuses a database that was cut short", () =>
  refuses("SIGTERM", async (folder) => {
    const { size } = await Deno.stat(`${folder}/imago.kv`);
    await Deno.truncate(`${folder}/imago.kv`, size - 4096);
  }, /database is damaged.*Restore a backup/));

Deno.test("a start refuses a database with other bytes in it", () =>
  refuses("SIGTERM", async (folder) => {
    const bytes = await Deno.readFile(`${folder}/imago.kv`);
    for (let page = 1; page < bytes.length / 4096; page++) {
      bytes.fill(0xa5, page * 4096, page * 4096 + 100);
    }
    await Deno.writeFile(`${folder}/imago.kv`, bytes);
  }, /database is damaged.*Restore a backup/));

import assert from "node:assert/strict";
import { png } from "../helpers/pictures.ts";
import { startServer } from "../helpers/server.ts";

const ROOT = new URL("../../", import.meta.url);

async function compact(dataDir: string) {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "-q", "compact"],
    cwd: ROOT,
    env: { DATA_DIR: dataDir, DATABASE_URL: "" },
  }).output();
  return { code, said: new TextDecoder().decode(stderr) };
}

/** How often the bytes of a text stand in a file. */
async function occurrences(path: string, text: string): Promise<number> {
  const bytes = new TextDecoder("latin1").decode(await Deno.readFile(path));
  return bytes.split(text).length - 1;
}

Deno.test("compact leaves no byte of an erased client in the database file but the receipt", async () => {
  const dataDir = await Deno.makeTempDir();
  try {
    await using server = await startServer({ dataDir });
    for (let i = 0; i < 5; i++) await (await server.upload(png(16, 16, i), "curie.png")).text();
    await server.settle();
    const answer = await server.request("/privacy/erase", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ confirm: "default" }),
    });
    const { id, state } = await answer.json();
    assert.equal(state, "done");
    const whileRunning = await compact(dataDir);
    assert.deepEqual([whileRunning.code, /already runs/.test(whileRunning.said)], [1, true]);
    await server.kill("SIGTERM");

    const file = `${dataDir}/imago.kv`;
    assert.ok(await occurrences(file, id) > 20, "the room of deleted records is full of them");
    const { code, said } = await compact(dataDir);
    assert.equal(code, 0, said);
    assert.match(said, /Compacted .*imago\.kv: \d+ bytes before, \d+ now/);
    // The receipt's key, in the table and in its index, and its id; and which tenant was the first.
    assert.equal(await occurrences(file, id), 4);
    await using again = await startServer({ dataDir });
    assert.equal((await again.request("/images")).status, 401);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

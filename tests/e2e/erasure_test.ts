import assert from "node:assert/strict";
import type { Erasure } from "../../lib/model/audit.ts";
import { until } from "../helpers/clock.ts";
import { png } from "../helpers/pictures.ts";
import { startServer } from "../helpers/server.ts";

const IMAGES = 80;

/** The files below a folder. */
async function filesIn(folder: string): Promise<number> {
  let files = 0;
  for await (const { name, isFile } of Deno.readDir(folder)) {
    files += isFile ? 1 : await filesIn(`${folder}/${name}`);
  }
  return files;
}

Deno.test("an erasure that is killed goes on at the next start, until nothing is left", async () => {
  const dataDir = await Deno.makeTempDir();
  const objects = `${dataDir}/storage/objects`;
  try {
    await using server = await startServer({ dataDir });
    for (let i = 0; i < IMAGES; i++) await (await server.upload(png(8, 8, i))).text();
    await server.settle();
    const before = await filesIn(objects);
    const asked = server.request("/privacy/erase", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ confirm: "default" }),
    }).catch(() => null);
    await until(async () => await filesIn(objects) < before);
    await server.kill("SIGKILL");
    await asked;
    assert.ok(await filesIn(objects) > 0, "it was killed in the middle");

    await using again = await startServer({ dataDir });
    assert.equal((await again.request("/images")).status, 401);
    await until(async () => await filesIn(objects) === 0);
    await until(() => again.log.some((line) => line.includes("Erased client")));
    await again.kill("SIGTERM");
    const kv = await Deno.openKv(`${dataDir}/imago.kv`);
    const left = await Array.fromAsync(kv.list<Erasure>({ prefix: [] }));
    kv.close();
    const receipt = left.find(({ key }) => key[0] === "erasures")!.value;
    const about = left.filter((entry) => JSON.stringify(entry).includes(receipt.id));
    assert.deepEqual(about.map(({ key }) => key[0]).toSorted(), ["erasures", "first_tenant"]);
    assert.deepEqual([receipt.state, receipt.erased.records > IMAGES * 5], ["done", true]);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

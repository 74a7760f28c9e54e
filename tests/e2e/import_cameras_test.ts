import assert from "node:assert/strict";
import { VARIABLES } from "../../lib/config.ts";
import type { Camera } from "../../lib/model/camera.ts";
import { startFakeCamera } from "../helpers/fake_camera.ts";
import { jpeg } from "../helpers/photos.ts";
import { startServer } from "../helpers/server.ts";
import { eventually } from "./eventually.ts";
import { makeHome } from "./home.ts";

const env = { FETCH_ALLOWED_NETS: "127.0.0.1/32" };

async function importCameras(dataDir: string, ...args: string[]) {
  const variables = Object.fromEntries(VARIABLES.map(({ name }) => [name, ""]));
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "commands/import_cameras.ts", ...args],
    cwd: new URL("../../", import.meta.url),
    env: { ...variables, ...env, DATA_DIR: dataDir, AI_PROVIDER: "none", OCR_ENABLED: "false" },
  });
  const { code, stderr } = await command.output();
  return { code, said: new TextDecoder().decode(stderr) };
}

Deno.test("import-cameras adds and starts cameras once, and says what it refused", async () => {
  await using home = await makeHome();
  const { dataDir } = home;
  const { bytes } = await jpeg();
  await using fake = startFakeCamera(() => bytes);
  {
    await using server = await startServer({ dataDir, env });
    assert.equal((await server.kill("SIGTERM")).code, 0);
  }
  const path = `${dataDir}/cameras.yaml`;
  await Deno.writeTextFile(
    path,
    `
cameras:
  - { name: Gate, url: "${fake.base}/shot.jpg" }
  - { name: Door, url: "${fake.base}/video", enabled: false }
  - { name: Inner, url: "http://10.0.0.1/shot.jpg" }
`,
  );
  const first = await importCameras(dataDir, "--start", path);
  assert.equal(first.code, 1, first.said);
  assert.match(first.said, /Gate: added and started\nDoor: added\nInner: not added: /);
  const renamed = `[{ name: Main, url: "${fake.base}/shot.jpg", username: me, password: secret }]`;
  await Deno.writeTextFile(`${dataDir}/renamed.yaml`, renamed);
  const again = await importCameras(dataDir, `${dataDir}/renamed.yaml`);
  assert.deepEqual(again, { code: 0, said: "Main: is there already\n" });
  const second = await importCameras(dataDir, "--start", path);
  assert.match(second.said, /Gate: is there already\nDoor: is there already\n/);

  await using server = await startServer({ dataDir, env });
  const states = async () => {
    const { items } = await (await server.request("/api/cameras")).json();
    return (items as Camera[]).map(({ name, status }) => `${name} ${status}`).toSorted().join();
  };
  await eventually(async () => await states() === "Door inactive,Gate active");
});

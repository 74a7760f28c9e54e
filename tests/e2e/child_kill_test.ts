/** What a picture's child process dies of costs a try, not the picture. */
import assert from "node:assert/strict";
import { makeHome } from "./home.ts";
import { recountFolder } from "../helpers/recount.ts";
import { send, type Server, startServer } from "../helpers/server.ts";
import { createPhotos } from "./photos.ts";

const PHOTOS = 24;
const KILLS = 6;

Deno.test({
  name: "imaging children that are killed at work cost a try each, and no picture",
  ignore: Deno.env.get("IMAGO_FULL") !== "1" || Deno.build.os === "windows",
  async fn() {
    await using home = await makeHome();
    const { dataDir } = home;
    // More tries than kills: a picture that meets every one of them still gets through.
    const env = { WORKER_MAX_TRIES: String(KILLS + 1) };
    await using server = await startServer({ dataDir, env });
    const photoOf = await createPhotos();
    for (let number = 0; number < PHOTOS; number++) {
      const answer = await server.upload(photoOf(number), `photo-${number}.jpg`);
      assert.equal(answer.status, 202, await answer.text());
    }
    for (let kill = 0; kill < KILLS; kill++) await killChildren(server);
    const images = await server.settle();
    assert.deepEqual(images.filter(({ status }) => status !== "done"), []);
    assert.ok(await triesLost(server, images) > 0, "no child was killed at work");
    assert.equal((await server.kill("SIGTERM")).code, 0);
    assert.deepEqual((await recountFolder(dataDir)).broken, []);
  },
});

/** Kills every imaging child, once there is one. */
async function killChildren(server: Server) {
  for (let turn = 0; turn < 100; turn++) {
    const children = await imagingChildren(server.pid);
    for (const pid of children) send(pid, "SIGKILL");
    if (children.length) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function imagingChildren(parent: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,ppid=,args="] }).output();
  return new TextDecoder().decode(stdout).split("\n")
    .map((line) => /^ *(\d+) +(\d+) (.*)$/.exec(line) ?? [])
    .filter(([, , ppid, args]) => Number(ppid) === parent && args?.endsWith("imaging/child.ts"))
    .map(([, pid]) => Number(pid));
}

async function triesLost(server: Server, images: { id: string }[]): Promise<number> {
  let lost = 0;
  for (const { id } of images) {
    const { steps } = await (await server.request(`/images/${id}/status`)).json();
    for (const { errors } of Object.values<{ errors: unknown[] }>(steps)) lost += errors.length;
  }
  return lost;
}

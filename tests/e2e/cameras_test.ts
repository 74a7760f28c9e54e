import assert from "node:assert/strict";
import type { Camera, CameraStats } from "../../lib/model/camera.ts";
import { startFakeCamera } from "../helpers/fake_camera.ts";
import { jpeg } from "../helpers/photos.ts";
import { hasRtsp, startRtspCamera } from "../helpers/rtsp_camera.ts";
import { type Server, startServer } from "../helpers/server.ts";
import { eventually } from "./eventually.ts";

Deno.test("cameras that were started come back after a kill -9, and send pictures again", async () => {
  const dataDir = await Deno.makeTempDir();
  const { bytes } = await jpeg();
  await using http = startFakeCamera(() => bytes);
  await using rtsp = hasRtsp ? await startRtspCamera() : null;
  const urls = [`${http.base}/shot.jpg`, `${http.base}/video`, ...(rtsp ? [rtsp.url] : [])];
  const options = { dataDir, env: { FETCH_ALLOWED_NETS: "127.0.0.1/32" } };
  let ids: string[] = [];
  {
    await using first = await startServer(options);
    ids = await Promise.all(urls.map((url) => started(first, url)));
    await Promise.all(ids.map((id) => becomesActive(first, id)));
    await first.kill();
  }
  await using second = await startServer(options);
  await Promise.all(ids.map((id) => becomesActive(second, id)));
  const before = await Promise.all(ids.map((id) => framesOf(second, id)));
  await Promise.all(
    ids.map((id, at) => eventually(async () => await framesOf(second, id) > before[at]!)),
  );
  assert.equal((await second.kill("SIGTERM")).code, 0, "it ends gently with cameras running");
  await Deno.remove(dataDir, { recursive: true });
});

async function started(server: Server, url: string): Promise<string> {
  const answer = await server.request("/api/cameras", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "Gate", url, fps: 5 }),
  });
  const { id }: Camera = await answer.json();
  const start = await server.request(`/api/cameras/${id}/start`, { method: "POST" });
  assert.equal(start.status, 200, await start.text());
  return id;
}

const becomesActive = (server: Server, id: string) =>
  eventually(async () => {
    const camera: Camera = await (await server.request(`/api/cameras/${id}`)).json();
    return camera.status === "active";
  });

async function framesOf(server: Server, id: string): Promise<number> {
  const stats: CameraStats = await (await server.request(`/api/cameras/${id}/stats`)).json();
  return stats.frames;
}

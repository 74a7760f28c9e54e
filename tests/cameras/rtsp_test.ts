import assert from "node:assert/strict";
import { createRtspSource } from "../../cameras/sources/rtsp.ts";
import { Problem } from "../../lib/errors.ts";
import { createSafeFetch } from "../../lib/net/safe_fetch.ts";
import { hasRtsp, startRtspCamera } from "../helpers/rtsp_camera.ts";

const net = createSafeFetch({ kind: "camera", allowedNets: ["127.0.0.1/32"] });
const source = createRtspSource({ net });

Deno.test({
  name: "an RTSP camera's pictures come as JPEG, until they are wanted no more",
  ignore: !hasRtsp,
  async fn() {
    await using camera = await startRtspCamera();
    const url = camera.url.replace("//", "//viewer:p%40ss'word@");
    const ending = new AbortController();
    const pictures: Uint8Array[] = [];
    for await (const jpeg of source(url, { fps: 5, signal: ending.signal })) {
      pictures.push(jpeg);
      if (pictures.length === 3) break;
    }
    for (const jpeg of pictures) assert.deepEqual([...jpeg.subarray(0, 2)], [0xff, 0xd8]);
    assert.notDeepEqual(pictures[0], pictures[2], "the ball moves");
  },
});

Deno.test({
  name: "an address without a video is a problem, not a wait",
  ignore: !hasRtsp,
  async fn() {
    await using camera = await startRtspCamera();
    const url = camera.url.replace("/cam", "/nothing");
    const frames = source(url, { fps: 5, signal: new AbortController().signal });
    await assert.rejects(frames.next(), (error) => error instanceof Problem);
  },
});

Deno.test({
  name: "an RTSP camera that says nothing is left when the signal aborts",
  ignore: !hasRtsp,
  async fn() {
    using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const ending = new AbortController();
    const url = `rtsp://127.0.0.1:${silent.addr.port}/`;
    const first = source(url, { fps: 5, signal: ending.signal }).next();
    using _ = await silent.accept();
    ending.abort();
    await assert.rejects(first);
  },
});

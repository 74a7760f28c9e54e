import assert from "node:assert/strict";
import { withoutRedirects } from "../../cameras/sources/relay.ts";

const pass = (...chunks: string[]) => {
  const bytes = chunks.map((chunk) => new TextEncoder().encode(chunk));
  return new Response(ReadableStream.from(bytes).pipeThrough(withoutRedirects())).text();
};

Deno.test("withoutRedirects() lets answers and video pass", async () => {
  const video = ["RTSP/1.0 200 OK\r\nCSeq: 3\r\n\r\n", "$\0\0\x04RTSP"];
  assert.equal(await pass(...video), video.join(""));
});

Deno.test("withoutRedirects() ends at a redirect, wherever it is cut", async () => {
  await assert.rejects(pass("RTSP/1.0 200 OK\r\n\r\nRTSP/1.0 302 Moved\r\n"));
  await assert.rejects(pass("RT", "SP/1", ".0", " ", "301 Moved\r\n"));
  await assert.rejects(pass(`RTSP/${"x".repeat(3_000)}`, "\t 302 Moved\r\n"));
});

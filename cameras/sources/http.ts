import type { Clock } from "../../lib/clock.ts";
import { Problem } from "../../lib/errors.ts";
import type { SafeFetch } from "../../lib/net/safe_fetch.ts";
import { pause } from "../patience.ts";
import { createSplitter } from "./multipart.ts";
import { MAX_FRAME_BYTES, type Source } from "./source.ts";

const CONNECT_MS = 10_000;
const STREAM = /^multipart\/(x-mixed-replace|mixed)$/;
const PICTURE = /^(image\/(jpe?g|pjpeg)|application\/octet-stream)?$/;

/** Pictures over HTTP: one long MJPEG answer, or a JPEG for every question. */
export function createHttpSource({ net, clock }: { net: SafeFetch; clock: Clock }): Source {
  return async function* (url, { fps, signal }) {
    const { body, contentType } = await net.open(url, {
      signal,
      timeoutMs: CONNECT_MS,
      accept: (type) => STREAM.test(type) || PICTURE.test(type),
    });
    if (STREAM.test(typeOf(contentType))) yield* stream(body, boundaryOf(contentType));
    else {
      await body.cancel();
      yield* snapshots(url, 1000 / fps, signal);
    }
  };

  async function* stream(body: ReadableStream<Uint8Array>, boundary: string) {
    const splitter = createSplitter(boundary, MAX_FRAME_BYTES);
    for await (const chunk of body) yield* splitter.push(chunk);
  }

  async function* snapshots(url: string, everyMs: number, signal: AbortSignal) {
    while (!signal.aborted) {
      const due = clock.now() + everyMs;
      const { body } = await net.fetch(url, {
        signal,
        timeoutMs: CONNECT_MS,
        maxBytes: MAX_FRAME_BYTES,
        accept: (type) => PICTURE.test(type),
      });
      if (body[0] !== 0xff || body[1] !== 0xd8) {
        throw new Problem("invalid_content", "The camera sends something else than JPEG pictures");
      }
      yield body;
      await pause(clock, due - clock.now(), signal);
    }
  }
}

function typeOf(contentType: string): string {
  return contentType.split(";")[0]!.trim().toLowerCase();
}

function boundaryOf(contentType: string): string {
  return /boundary="?([^";]+)"?/i.exec(contentType)?.[1]?.trim() ?? "";
}

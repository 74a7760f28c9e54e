import { ApiError, ask } from "./api.js";
import { readEvents } from "./sse.js";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;

/** @typedef {{ type: string, at: string, data: Record<string, any> }} News */

/**
 * Tells what happens to the tenant's things, from now on until `signal` aborts: comes back by itself
 * when the line breaks, and goes on where it was. News of type `reset` says that some was lost.
 * (EventSource cannot send the header that proves who asks.)
 * @param {(news: News) => void} heed
 * @param {AbortSignal} [signal]
 */
export async function follow(heed, signal) {
  let last = "";
  let wait = FIRST_WAIT_MS;
  while (!signal?.aborted) {
    try {
      /** @type {Record<string, string>} */
      const headers = last ? { "Last-Event-ID": last } : {};
      const { body } = await ask("GET", "/events/stream", { headers, signal });
      if (!body) return;
      wait = FIRST_WAIT_MS;
      for await (const { id, type, data } of readEvents(textOf(body))) {
        last = id || last;
        heed({ type, ...JSON.parse(data) });
      }
    } catch (error) {
      if (signal?.aborted) return;
      // Not allowed to: there is nothing to come back for.
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return;
      // The line broke (a TypeError while reading) or is not there yet.
      if (!(error instanceof ApiError || error instanceof TypeError)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

/** @param {ReadableStream<Uint8Array<ArrayBuffer>>} body */
async function* textOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    yield value;
  }
}

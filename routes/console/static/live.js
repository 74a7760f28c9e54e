import { ApiError, ask } from "./api.js";
import { credentials } from "./session.js";
import { readEvents } from "./sse.js";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** Whoever looks elsewhere for a moment loses nothing. */
const REST_MS = 10_000;
const LOOK_MS = 10_000;

/** @typedef {{ type: string, at: string, data: Record<string, any> }} News */

/**
 * Tells what happens to the tenant's things, from now on: comes back by itself when the line breaks,
 * and goes on where it was. News of type `reset` says that some was lost. (EventSource cannot send
 * the header that proves who asks.)
 *
 * The line is let go while the page is not seen: a browser has some six for all pages of a server
 * together, those that it keeps for going back included.
 * @param {(news: News) => void} heed
 */
export async function follow(heed) {
  let last = "";
  let wait = FIRST_WAIT_MS;
  for (;;) {
    const waited = await seen();
    // Nothing to go on from: what came meanwhile is not known.
    if (waited && !last) heed({ type: "reset", at: new Date().toISOString(), data: {} });
    const leaving = new AbortController();
    const stop = onLeave(() => leaving.abort());
    try {
      /** @type {Record<string, string>} */
      const headers = last ? { "Last-Event-ID": last } : {};
      const { body } = await ask("GET", "/events/stream", { headers, signal: leaving.signal });
      if (!body) return;
      wait = FIRST_WAIT_MS;
      for await (const { id, type, data } of readEvents(textOf(body))) {
        last = id || last;
        heed({ type, ...JSON.parse(data) });
      }
    } catch (error) {
      // Not known any more: there is nothing to come back for.
      if (error instanceof ApiError && error.status === 401) return;
      if (error instanceof ApiError && error.status === 403) return await look(heed);
      // The line was let go, broke (a TypeError while reading) or is not there yet.
      const known = error instanceof ApiError || error instanceof TypeError;
      if (!known && !leaving.signal.aborted) throw error;
    } finally {
      stop();
    }
    if (leaving.signal.aborted) continue;
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

/**
 * For a reader who may not follow the feed, which tells of photos too: says now and then that
 * something may have happened.
 * @param {(news: News) => void} heed
 */
async function look(heed) {
  while (credentials()) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    await seen();
    heed({ type: "reset", at: new Date().toISOString(), data: {} });
  }
}

/** Between `pagehide` and `pageshow` a page may be kept for going back. */
let away = false;
addEventListener("pagehide", () => away = true);
addEventListener("pageshow", () => away = false);

/** Resolves once the page can be seen; says whether that had to be waited for. */
async function seen() {
  if (!document.hidden && !away) return false;
  await new Promise((resolve) => {
    const look = () => {
      if (document.hidden || away) return;
      removeEventListener("pageshow", look);
      document.removeEventListener("visibilitychange", look);
      resolve(undefined);
    };
    addEventListener("pageshow", look);
    document.addEventListener("visibilitychange", look);
  });
  return true;
}

/**
 * Does something once the page is not seen any more, until what it gives back is called.
 * @param {() => void} work
 */
function onLeave(work) {
  const ended = new AbortController();
  const { signal } = ended;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let planned;
  const look = () => {
    clearTimeout(planned);
    if (document.hidden) planned = setTimeout(work, REST_MS);
  };
  addEventListener("pagehide", work, { signal });
  document.addEventListener("visibilitychange", look, { signal });
  return () => {
    clearTimeout(planned);
    ended.abort();
  };
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

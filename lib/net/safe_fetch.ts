import type { IncomingMessage } from "node:http";
import { getLogger } from "@logtape/logtape";
import { type Clock, deadline, systemClock } from "../clock.ts";
import { Problem } from "../errors.ts";
import { acceptable, bodyOf, headOf, streamOf } from "./answer.ts";
import { ENCODINGS } from "./decode.ts";
import { exchange, type Message } from "./exchange.ts";
import { createLogins } from "./logins.ts";
import { createTargets, type Kind, Refusal, type Resolve, type Target } from "./targets.ts";
import { unreadable } from "./unreadable.ts";

export type SafeFetchOptions = {
  kind: Kind;
  /** CIDRs whose addresses and ports are allowed though they are not public. */
  allowedNets: string[];
  resolve?: Resolve;
  clock?: Clock;
};

export type FetchOptions = {
  method?: string;
  /** None but `Accept*`, `User-Agent` and `Content-Type` follow a redirect. */
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  /** Of the body, as sent and inflated; 5 MB unless told. */
  maxBytes?: number;
  /** For everything together, from the look-up to the last byte; 10 s unless told. */
  timeoutMs?: number;
  /** 5 unless told; with 0 a redirect is the answer. */
  maxRedirects?: number;
  /** When given, only a 2xx answer will do whose type (`text/html`, "" if unsaid) it likes. */
  accept?: (type: string) => boolean;
  signal?: AbortSignal;
};

type Waiting = Pick<FetchOptions, "signal" | "timeoutMs">;

export type Answer<Body = Uint8Array> = {
  /** Where the answer came from, after redirects; without user and password. */
  url: string;
  status: number;
  headers: Headers;
  /** The `Content-Type` as it was sent, or "". */
  contentType: string;
  body: Body;
};

export type SafeFetch = ReturnType<typeof createSafeFetch>;

const DEFAULTS = { timeoutMs: 10_000, maxRedirects: 5 };
/** A nonce may have become stale; then the password is shown once more. */
const MAX_LOGINS = 2;
const CHECK_TIMEOUT_MS = 5_000;
const FOLLOWS_REDIRECT = /^(accept(-.*)?|user-agent|content-type)$/i;

/**
 * HTTP to addresses that a stranger names. Only what `createTargets` allows is called, on every
 * redirect anew, on a connection pinned to the addresses that were checked; no cookies are kept.
 * Whatever fails is the same `invalid_content` problem with its reason in the cause; only an abort
 * of the caller's signal is thrown as it is.
 */
export function createSafeFetch(
  { kind, allowedNets, resolve, clock = systemClock }: SafeFetchOptions,
) {
  const log = getLogger(["imago", "net"]);
  const targets = createTargets({ kind, allowedNets, resolve });
  const logins = createLogins();

  /** Runs work within a deadline that closes its connections; makes one problem of all failures. */
  async function within<T>(
    { timeoutMs = DEFAULTS.timeoutMs, signal: caller }: FetchOptions,
    work: (signal: AbortSignal) => Promise<T>,
    keepOpen = false,
  ): Promise<T> {
    caller?.throwIfAborted();
    const connections = new AbortController();
    const parent = AbortSignal.any([connections.signal, ...(caller ? [caller] : [])]);
    const { cancel, signal } = deadline(clock, timeoutMs, parent);
    try {
      const result = await Promise.race([work(signal), rejection(signal)]);
      if (!keepOpen) connections.abort();
      return result;
    } catch (cause) {
      connections.abort();
      caller?.throwIfAborted();
      log.info("Did not read an address: {cause}", { cause });
      throw unreadable(cause);
    } finally {
      cancel();
    }
  }

  /** Sends the request, with user and password in the way that the server asks for them. */
  async function send(target: Target, message: Message, signal: AbortSignal) {
    for (let tries = 0;; tries++) {
      const login = logins.find(target);
      const uri = target.url.pathname + target.url.search;
      const authorization = login?.prove({ method: message.method, uri });
      const headers = { ...message.headers, ...(authorization && { authorization }) };
      const response = await exchange(target, { ...message, headers }, signal);
      const isAgain = logins.learn(target, response, login);
      if (!isAgain || tries === MAX_LOGINS) return response;
      response.destroy();
    }
  }

  /** Sends the request, follows its redirects, and gives the first other answer that will do. */
  async function follow(
    text: string,
    options: FetchOptions,
    encodings: string,
    signal: AbortSignal,
  ) {
    let target = await targets.locate(text);
    let message = firstMessage(options, encodings);
    for (let hops = options.maxRedirects ?? DEFAULTS.maxRedirects;; hops--) {
      signal.throwIfAborted();
      if (target.url.protocol === "rtsp:") throw new Refusal("RTSP is not HTTP");
      const response = await send(target, message, signal);
      const next = redirection(response, target, options);
      if (!next) return { response: acceptable(response, options.accept), target };
      if (hops === 0) throw new Refusal("there are too many redirects");
      response.destroy();
      const { url: { origin }, credentials } = target;
      target = await targets.locate(next);
      if (target.credentials) throw new Refusal("a redirect brings a user or password");
      // Within the same server they are still meant for it.
      if (target.url.origin === origin) target = { ...target, credentials };
      message = nextMessage(message, response.statusCode);
    }
  }

  function locate(url: string, options: Waiting = {}): Promise<Target> {
    return within(options, () => targets.locate(url));
  }

  function presume(url: string): Target {
    try {
      return targets.presume(url);
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  return {
    /** The whole answer, inflated and bounded. */
    fetch: (url: string, options: FetchOptions = {}): Promise<Answer> =>
      within(options, async (signal) => {
        const { response, target } = await follow(url, options, ENCODINGS, signal);
        return { ...headOf(response, target), body: await bodyOf(response, options.maxBytes) };
      }),

    /** The head of the answer; its body is not read. */
    ask: (url: string, options: FetchOptions = {}): Promise<Omit<Answer, "body">> =>
      within(options, async (signal) => {
        const { response, target } = await follow(url, options, ENCODINGS, signal);
        return headOf(response, target);
      }),

    /**
     * An answer without end, such as a camera's MJPEG: `timeoutMs` is for its headers, `maxBytes`
     * has no meaning, and the connection lasts until the body is cancelled or `signal` aborts. An
     * error of the body is the connection's own; do not show it.
     */
    open: (url: string, options: FetchOptions = {}): Promise<Answer<ReadableStream<Uint8Array>>> =>
      within(options, async (signal) => {
        const { response, target } = await follow(url, options, "identity", signal);
        return { ...headOf(response, target), body: streamOf(response) };
      }, true),

    /**
     * The address and where it leads, for whoever connects by other means (ffmpeg): use one of
     * `addresses` in place of the name.
     */
    locate,

    /**
     * Refuses an address that is to be kept, such as a webhook's. `addresses` is empty for a name
     * that cannot be looked up now: each later use checks again.
     */
    async check(url: string, { signal }: Waiting = {}): Promise<Target> {
      try {
        return await locate(url, { signal, timeoutMs: CHECK_TIMEOUT_MS });
      } catch (error) {
        if (!(error instanceof Problem) || error.cause instanceof Refusal) throw error;
        return presume(url);
      }
    },
  };
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function firstMessage(options: FetchOptions, encodings: string): Message {
  const { method = "GET", headers = {}, body } = options;
  return {
    method,
    body,
    headers: {
      "user-agent": "Imago",
      accept: "*/*",
      "accept-encoding": encodings,
      ...headers,
    },
  };
}

/** RFC 9110, 15.4: 307 and 308 repeat the request; after the others a POST becomes a GET. */
function nextMessage({ method, headers, body }: Message, status?: number): Message {
  const kept = Object.entries(headers).filter(([name]) => FOLLOWS_REDIRECT.test(name));
  const repeats = status === 307 || status === 308 || method === "GET" || method === "HEAD";
  return repeats
    ? { method, headers: Object.fromEntries(kept), body }
    : { method: "GET", headers: Object.fromEntries(kept) };
}

/** Where the answer points, resolved against its own address; null when it is to be read itself. */
function redirection(
  { statusCode = 0, headers }: IncomingMessage,
  { url }: Target,
  { maxRedirects }: FetchOptions,
): string | null {
  const redirects = [301, 302, 303, 307, 308].includes(statusCode) && maxRedirects !== 0;
  if (!redirects || !headers.location) return null;
  const next = URL.parse(headers.location, url);
  if (!next) throw new Refusal("it redirects to nowhere");
  return next.href;
}

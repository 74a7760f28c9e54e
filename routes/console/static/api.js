import { isKey, t } from "./i18n.js";
import { proof } from "./session.js";

/** A request that did not succeed; `status` 0 when no answer came. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code of the problem; see the API's errors
   * @param {string} detail an English sentence
   * @param {number | null} retryAfter seconds
   */
  constructor(status, code, detail, retryAfter = null) {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** The reason in the reader's language. */
  get reason() {
    const key = `problem.${this.code}`;
    return isKey(key) ? t(key) : this.message;
  }
}

/** Told on `window` when a request is refused for who asks. */
export const REFUSED = "imago:refused";
/** Told on `window` when the server cannot be reached, or can again; `detail` is which. */
export const REACHABLE = "imago:reachable";

/**
 * @typedef {object} Options
 * @property {unknown} [body] sent as JSON, or as it is when it is a form
 * @property {AbortSignal} [signal]
 * @property {Record<string, string>} [headers]
 */

/**
 * Asks the API, and gives its answer, to read its headers or its body as it comes.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 */
export async function ask(method, path, { body, signal, headers = {} } = {}) {
  const isForm = body instanceof FormData;
  const response = await fetch(path, {
    method,
    signal,
    headers: {
      ...await proof(),
      ...(body !== undefined && !isForm && { "Content-Type": "application/json" }),
      ...headers,
    },
    body: body === undefined || isForm ? body : JSON.stringify(body),
  }).catch((error) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    tell(REACHABLE, false);
    throw new ApiError(0, "unreachable", String(error));
  });
  tell(REACHABLE, true);
  if (!response.ok) throw await refusal(response);
  return response;
}

/** @param {Response} response */
export async function refusal(response) {
  const text = await response.text();
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  const error = readProblem(response.status, text, retryAfter);
  if (error.status === 401) tell(REFUSED, null);
  return error;
}

/**
 * The error that an answer tells of.
 * @param {number} status
 * @param {string} text its body
 * @param {number | null} retryAfter seconds
 */
export function readProblem(status, text, retryAfter) {
  try {
    const { type, detail } = JSON.parse(text);
    return new ApiError(status, String(type).split("/").at(-1) ?? "", String(detail), retryAfter);
  } catch {
    // Not Imago's own answer: that of a proxy, say.
    return new ApiError(status, "unreadable", `HTTP ${status}`, retryAfter);
  }
}

/**
 * @template T
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export async function get(path, signal) {
  return await (await ask("GET", path, { signal })).json();
}

/**
 * Sends something, and gives what comes back, if anything does.
 * @template [T=void]
 * @param {"POST" | "PATCH" | "PUT" | "DELETE"} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<T>}
 */
export async function send(method, path, body, headers) {
  const response = await ask(method, path, { body, headers });
  return JSON.parse(await response.text() || "null");
}

/**
 * An address of the API, with what is not empty as its query.
 * @param {string} path
 * @param {Record<string, string | number | null | undefined>} query
 */
export function address(path, query) {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") given.set(name, String(value));
  }
  return given.size ? `${path}?${given}` : path;
}

/**
 * Where a signed link is reached from this page, whatever name the API knows itself by.
 * @param {string} url
 */
export function localUrl(url) {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
}

/**
 * @param {string} name
 * @param {unknown} detail
 */
function tell(name, detail) {
  dispatchEvent(new CustomEvent(name, { detail }));
}

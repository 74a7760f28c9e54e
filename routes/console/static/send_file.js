import { ApiError, readProblem } from "./api.js";
import { proof } from "./session.js";

/**
 * Sends one file and tells how far it is, which `fetch` cannot.
 * @param {string} path
 * @param {FormData} body
 * @param {{ key?: string, onProgress?: (sent: number) => void, signal?: AbortSignal }} [options]
 *   `key` makes repeating safe
 * @returns {Promise<any>} what the API answers with
 */
export async function sendForm(path, body, { key, onProgress, signal } = {}) {
  const request = new XMLHttpRequest();
  request.open("POST", path);
  for (const [name, value] of Object.entries(await proof())) request.setRequestHeader(name, value);
  if (key) request.setRequestHeader("Idempotency-Key", key);
  request.upload.addEventListener("progress", ({ loaded }) => onProgress?.(loaded));
  signal?.throwIfAborted();
  signal?.addEventListener("abort", () => request.abort());
  const ended = new Promise((resolve) => request.addEventListener("loadend", resolve));
  request.send(body);
  await ended;
  signal?.throwIfAborted();
  const { status, responseText } = request;
  if (status === 0) throw new ApiError(0, "unreachable", "The line broke");
  if (status >= 200 && status < 300) return JSON.parse(responseText);
  throw readProblem(status, responseText, Number(request.getResponseHeader("Retry-After")) || null);
}

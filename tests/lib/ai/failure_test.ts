import assert from "node:assert/strict";
import { MAX_RETRY_AFTER_SECONDS, refused, retryAfter } from "../../../lib/ai/failure.ts";

const NOW = Date.parse("2026-11-20T12:00:00Z");
const header = (value: string) => retryAfter(new Headers({ "retry-after": value }), "", NOW);

Deno.test("retryAfter() reads seconds and dates", () => {
  assert.equal(header("7"), 7);
  assert.equal(header("Fri, 20 Nov 2026 12:00:30 GMT"), 30);
});

Deno.test("retryAfter() stays between 1 s and its cap", () => {
  assert.equal(header("0"), 1);
  assert.equal(header("Fri, 20 Nov 2026 11:00:00 GMT"), 1);
  assert.equal(header("999999999"), MAX_RETRY_AFTER_SECONDS);
  assert.equal(header("9".repeat(400)), MAX_RETRY_AFTER_SECONDS);
  assert.equal(header("Fri, 20 Nov 2099 12:00:00 GMT"), MAX_RETRY_AFTER_SECONDS);
});

Deno.test("retryAfter() ignores what it cannot read", () => {
  for (const value of ["", "soon", "-1", "1e9", "7.5x"]) {
    assert.ok([undefined, 1].includes(header(value)), value);
  }
  assert.equal(retryAfter(new Headers(), '{"retryDelay":"soon"}'), undefined);
});

Deno.test("retryAfter() reads Google's RetryInfo", () => {
  assert.equal(retryAfter(new Headers(), '{"details":[{"retryDelay": "34.074824224s"}]}'), 34);
});

Deno.test("refused() tells a refused format from a refused request", () => {
  const of = (body: string) => refused(400, new Headers(), body).kind;
  assert.equal(of("This model does not support response format `json_schema`"), "format");
  assert.equal(of("'response_format.type' must be 'json_schema' or 'text'"), "format");
  assert.equal(of("image too large"), "request");
});

Deno.test("refused() gives only what is temporary another try", () => {
  const retryable = (status: number) => refused(status, new Headers(), "").extras.retryable;
  assert.deepEqual([302, 408, 429, 500, 503, 529].map(retryable), Array(6).fill(true));
  assert.deepEqual([400, 401, 402, 403, 404, 413, 422].map(retryable), Array(7).fill(false));
});

import assert from "node:assert/strict";
import { backoff, conclude, isDue, newStep } from "../../lib/step_runs.ts";

const NOW = Date.parse("2026-05-01T10:00:00Z");
const failure = { code: "upstream_failed", message: "It broke", upstreamStatus: 500, final: false };

Deno.test("conclude() spends a try on a failure and says when the next is due", () => {
  const step = newStep();
  conclude(step, { kind: "failed", failure }, NOW, 3);
  assert.equal(step.state, "retrying");
  assert.equal(step.attempts, 1);
  assert.deepEqual(step.errors.map(({ code, upstream_status }) => [code, upstream_status]), [
    ["upstream_failed", 500],
  ]);
  const wait = Date.parse(step.retry_at!) - NOW;
  assert.ok(wait >= 750 && wait <= 1250, `about a second, was ${wait}`);
  assert.ok(!isDue(step, NOW) && isDue(step, NOW + 1250));
});

Deno.test("conclude() gives up after the last try, keeping the whole history", () => {
  const step = newStep();
  for (let i = 0; i < 3; i++) conclude(step, { kind: "failed", failure }, NOW + i, 3);
  assert.equal(step.state, "failed");
  assert.equal(step.errors.length, 3);
  assert.equal(step.reason, "It broke");
});

Deno.test("conclude() gives up at once when trying again is pointless", () => {
  const step = newStep();
  conclude(step, { kind: "failed", failure: { ...failure, final: true } }, NOW, 3);
  assert.equal(step.state, "failed");
});

Deno.test("conclude() spends no try on a snooze, but does not wait for ever", () => {
  const step = { ...newStep(), started_at: new Date(NOW).toISOString() };
  conclude(step, { kind: "snoozed", ms: 5000, reason: "The provider is down" }, NOW, 3);
  assert.equal(step.attempts, 0);
  assert.equal(step.state, "retrying");
  const later = NOW + 7 * 60 * 60 * 1000;
  conclude(step, { kind: "snoozed", ms: 5000, reason: "The provider is down" }, later, 3);
  assert.equal(step.state, "failed");
});

Deno.test("backoff() doubles, is bounded, and never undercuts what was asked for", () => {
  const still = () => 0.5;
  assert.deepEqual([1, 2, 3].map((n) => backoff(n, 0, still)), [1000, 2000, 4000]);
  assert.equal(backoff(50, 0, still), 300_000);
  assert.equal(backoff(1, 60_000, still), 60_000);
});

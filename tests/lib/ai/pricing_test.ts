import assert from "node:assert/strict";
import { createMeter } from "../../../lib/ai/pricing.ts";

const used = { input_tokens: 1_000_000, output_tokens: 100_000 };

Deno.test("createMeter() computes the cost from the price of the model that answered", () => {
  const meter = createMeter("asked", {
    asked: { input: 1, output: 10 },
    other: { input: 2, output: 20 },
  });
  assert.deepEqual(meter(used), { ...used, cost: 2, model: "asked" });
  assert.deepEqual(meter({ ...used, model: "other" }), { ...used, cost: 4, model: "other" });
});

Deno.test("createMeter() falls back on the price of the model that was asked", () => {
  const meter = createMeter("asked", { asked: { input: 1, output: 10 } });
  assert.equal(meter({ ...used, model: "asked-2026-11" }).cost, 2);
});

Deno.test("createMeter() finds a model's price behind its vendor's name", () => {
  assert.equal(createMeter("google/gemini-3.8-flash")(used).cost, 2.25);
});

Deno.test("createMeter() prefers the provider's own cost", () => {
  assert.equal(createMeter("gpt-4o-mini")({ ...used, cost: 0.5 }).cost, 0.5);
  assert.equal(createMeter("gpt-4o-mini")({ ...used, cost: 0 }).cost, 0);
});

Deno.test("createMeter() knows no cost of an unknown model", () => {
  assert.equal(createMeter("llava")(used).cost, null);
  assert.equal(createMeter("__proto__")(used).cost, null);
});

Deno.test("createMeter() does not pass on a name that is none", () => {
  assert.equal(createMeter("m")({ ...used, model: "<script>" }).model, "m");
  assert.equal(createMeter("m")({ ...used, model: "x".repeat(101) }).model, "m");
});

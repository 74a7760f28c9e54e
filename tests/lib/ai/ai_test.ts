import assert from "node:assert/strict";
import { createAi } from "../../../lib/ai/ai.ts";
import { startFakeAi } from "../../helpers/fake_ai.ts";

const picture = { jpeg: new Uint8Array([0xff, 0xd8, 0xff, 0xd9]) };

Deno.test("createAi() says why there is no provider", () => {
  assert.deepEqual(createAi({ provider: "none" }), {
    ai: null,
    reason: "no AI provider is configured",
  });
  assert.deepEqual(createAi({ provider: "gemini" }), { ai: null, reason: "gemini has no API key" });
  assert.equal(
    createAi({ provider: "openrouter", openrouter: {} }).reason,
    "openrouter has no API key",
  );
});

Deno.test("createAi() has a model for every provider", () => {
  const endpoint = { apiKey: "k" };
  const models = (["gemini", "openrouter", "openai"] as const).map((provider) =>
    createAi({ provider, [provider]: endpoint }).ai?.model
  );
  assert.deepEqual(models, ["gemini-3.8-flash", "google/gemini-3.8-flash", "gpt-4o-mini"]);
});

Deno.test("createAi() puts a breaker before the provider", async () => {
  const fake = startFakeAi({ mode: "500" });
  let ms = 0;
  const { ai } = createAi({
    provider: "openai",
    openai: { baseUrl: fake.openaiBaseUrl },
    breaker: { now: () => ms },
  });
  assert(ai);
  for (let i = 0; i < 50; i++) await assert.rejects(ai.describe(picture));
  assert.equal(fake.requests.length, 5);
  fake.setMode("ok");
  ms = 10_000;
  assert.equal((await ai.describe(picture)).value.confidence, 0.97);
  assert.equal(ai.breaker.state().state, "closed");
  await fake.close();
});

Deno.test("atMost() tells what a call can cost, for a budget to reserve", () => {
  const { ai } = createAi({ provider: "gemini", gemini: { apiKey: "k" } });
  const one = ai?.atMost("describe", { pictures: 1, characters: 1_000 });
  assert.deepEqual(one, {
    input_tokens: 4_100,
    output_tokens: 2_048,
    cost: (4_100 * 1.5 + 2_048 * 7.5) / 1_000_000,
    model: "gemini-3.8-flash",
  });
});

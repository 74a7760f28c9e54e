import assert from "node:assert/strict";
import { createAi } from "../../../lib/ai/ai.ts";
import { type FakeAiOptions, startFakeAi } from "../../helpers/fake_ai.ts";

const picture = { jpeg: new Uint8Array([0xff, 0xd8, 0xff, 0xd9]) };

async function withOpenAi(
  options: FakeAiOptions & { apiKey?: string },
  test: (
    parts: { fake: ReturnType<typeof startFakeAi>; ai: ReturnType<typeof connect> },
  ) => Promise<void>,
) {
  const fake = startFakeAi(options);
  try {
    await test({ fake, ai: connect(fake.openaiBaseUrl, options.apiKey) });
  } finally {
    await fake.close();
  }
}

function connect(baseUrl: string, apiKey?: string) {
  const { ai } = createAi({ provider: "openai", openai: { baseUrl, apiKey, model: "llava" } });
  assert(ai);
  return ai;
}

const formats = (fake: ReturnType<typeof startFakeAi>) =>
  fake.requests.map(({ body }) => (body.response_format as { type: string } | undefined)?.type);

Deno.test("createOpenAi() asks for JSON of the strict schema", () =>
  withOpenAi({}, async ({ fake, ai }) => {
    await ai.describe(picture);
    assert.deepEqual(formats(fake), ["json_schema"]);
  }));

Deno.test("createOpenAi() falls back to JSON objects and remembers it", () =>
  withOpenAi({ refuses: ["json_schema"] }, async ({ fake, ai }) => {
    await ai.describe(picture);
    await ai.describe(picture);
    assert.deepEqual(formats(fake), ["json_schema", "json_object", "json_object"]);
    assert.match(fake.requests[1]?.system ?? "", /JSON schema of the answer:\n\{"type":"object"/);
  }));

Deno.test("createOpenAi() falls back to JSON in plain text", () =>
  withOpenAi({ refuses: ["json_schema", "json_object"], mode: "fenced" }, async ({ fake, ai }) => {
    const { value } = await ai.describe(picture);
    assert.equal(value.confidence, 0.97);
    assert.deepEqual(formats(fake), ["json_schema", "json_object", undefined]);
  }));

Deno.test("createOpenAi() sends no key where there is none, as for Ollama", () =>
  withOpenAi({}, async ({ fake, ai }) => {
    await ai.describe(picture);
    assert.equal(fake.requests[0]?.headers.get("authorization"), null);
  }));

Deno.test("createOpenAi() sends the key as a bearer", () =>
  withOpenAi({ apiKey: "k1" }, async ({ fake, ai }) => {
    await ai.describe(picture);
    assert.equal(fake.requests[0]?.headers.get("authorization"), "Bearer k1");
  }));

Deno.test("createOpenAi() takes the cost that OpenRouter reports", () =>
  withOpenAi({ cost: 0.0042 }, async ({ ai }) => {
    assert.equal((await ai.describe(picture)).usage.cost, 0.0042);
  }));

Deno.test("createOpenAi() knows no cost of a model without a price", () =>
  withOpenAi({}, async ({ ai }) => {
    const { usage } = await ai.describe(picture);
    assert.deepEqual(usage, {
      input_tokens: 300,
      output_tokens: 100,
      cost: null,
      model: "fake/model-1",
    });
  }));

Deno.test("createOpenAi() reads the failure that OpenRouter wraps in status 200", () =>
  withOpenAi({ mode: "error200" }, async ({ ai }) => {
    await assert.rejects(ai.describe(picture), {
      kind: "down",
      detail: "The AI provider failed with status 503",
    });
  }));

import assert from "node:assert/strict";
import { createAi } from "../../../lib/ai/ai.ts";
import { AiFailure, type FailureKind, MAX_RETRY_AFTER_SECONDS } from "../../../lib/ai/failure.ts";
import { type FakeAi, type Mode, SECRET_CANARY, startFakeAi } from "../../helpers/fake_ai.ts";

const ADAPTERS = ["gemini", "openrouter", "openai"] as const;
type Adapter = typeof ADAPTERS[number];

const picture = { jpeg: new Uint8Array([0xff, 0xd8, 0xff, 0xd9]) };

function connect(fake: FakeAi, provider: Adapter, timeoutSeconds = 5) {
  const openai = { apiKey: "key-of-imago", baseUrl: fake.openaiBaseUrl };
  const gemini = { apiKey: "key-of-imago", baseUrl: fake.geminiBaseUrl };
  const { ai } = createAi({ provider, timeoutSeconds, gemini, openai, openrouter: openai });
  assert(ai);
  return ai;
}

async function withFake(
  options: Parameters<typeof startFakeAi>[0],
  test: (fake: FakeAi) => Promise<void>,
) {
  const fake = startFakeAi(options);
  try {
    await test(fake);
  } finally {
    await fake.close();
  }
}

async function failureOf(call: Promise<unknown>): Promise<AiFailure> {
  const error = await call.then(() => assert.fail("did not fail"), (error: unknown) => error);
  assert(error instanceof AiFailure, String(error));
  return error;
}

/** Mode → kind of failure, HTTP status of Imago's answer, status of the provider. */
const FAILURES: [Mode, FailureKind, number, number | undefined][] = [
  ["400", "request", 502, 400],
  ["401", "account", 502, 401],
  ["402", "account", 502, 402],
  ["403", "account", 502, 403],
  ["404", "account", 502, 404],
  ["badkey", "account", 502, 400],
  ["flagged", "refusal", 422, 403],
  ["429", "busy", 503, 429],
  ["429big", "busy", 503, 429],
  ["429info", "busy", 503, 429],
  ["500", "down", 502, 500],
  ["503", "down", 502, 503],
  ["redirect", "down", 502, 307],
  ["hang", "slow", 504, undefined],
  ["drip", "slow", 504, undefined],
  ["garbage", "down", 502, undefined],
  ["html", "down", 502, undefined],
  ["trunc", "down", 502, undefined],
  ["huge", "down", 502, undefined],
  ["empty", "down", 502, undefined],
  ["noenvelope", "down", 502, undefined],
  ["flap", "down", 502, 500],
  ["safety", "refusal", 422, undefined],
  ["cutoff", "answer", 502, undefined],
  ["wrongshape", "answer", 502, undefined],
  ["nan", "answer", 502, undefined],
  ["prose", "answer", 502, undefined],
  ["blank", "answer", 502, undefined],
];

const FINAL = new Set<FailureKind>(["account", "request", "refusal"]);

for (const adapter of ADAPTERS) {
  for (const [mode, kind, status, upstreamStatus] of FAILURES) {
    Deno.test(`describe() through ${adapter} tells a provider in mode ${mode} as ${kind}`, () =>
      withFake({ mode }, async (fake) => {
        const ends = mode === "hang" || mode === "drip" ? 0.08 : 5;
        const failure = await failureOf(connect(fake, adapter, ends).describe(picture));
        assert.equal(failure.kind, kind);
        assert.equal(failure.status, status);
        assert.equal(failure.extras.upstreamStatus, upstreamStatus);
        assert.equal(failure.extras.retryable, !FINAL.has(kind));
        assert.equal(fake.requests.length, 1, "asked once: the SDK does not try again");
      }));

    Deno.test(`describe() through ${adapter} repeats nothing of a provider in mode ${mode}`, () =>
      withFake({ mode }, async (fake) => {
        const ends = mode === "hang" || mode === "drip" ? 0.08 : 5;
        const failure = await failureOf(connect(fake, adapter, ends).describe(picture));
        const told = Deno.inspect(failure, { depth: 20 });
        for (const secret of [SECRET_CANARY, "key-of-imago", "bad key"]) {
          assert(!told.includes(secret), told);
        }
      }));
  }

  for (const mode of ["safety", "cutoff", "wrongshape"] as const) {
    Deno.test(`describe() through ${adapter} tells what a useless answer in mode ${mode} cost`, () =>
      withFake({ mode }, async (fake) => {
        const failure = await failureOf(connect(fake, adapter).describe(picture));
        assert.equal(failure.usage?.input_tokens, 300);
        assert.equal(failure.usage?.output_tokens, 100);
      }));
  }

  for (const mode of ["ok", "fenced", "thinking"] as const) {
    Deno.test(`describe() through ${adapter} reads an answer in mode ${mode}`, () =>
      withFake({ mode }, async (fake) => {
        const { value, usage } = await connect(fake, adapter).describe(picture);
        assert.deepEqual(value, {
          description: "A café terrace in the afternoon.",
          tags: ["café", "terrace", "paris"],
          confidence: 0.97,
        });
        assert.equal(usage.input_tokens, 300);
        assert.equal(usage.output_tokens, 100, "thoughts are output");
        assert.deepEqual(fake.requests[0]?.pictures, ["/9j/2Q=="]);
      }));
  }

  Deno.test(`retryAfter through ${adapter} is the provider's, within a cap`, () =>
    withFake({}, async (fake) => {
      for (
        const [mode, seconds] of [["429", 7], ["429big", MAX_RETRY_AFTER_SECONDS], [
          "429info",
          13,
        ]] as const
      ) {
        fake.setMode(mode);
        const failure = await failureOf(connect(fake, adapter).describe(picture));
        assert.equal(failure.extras.retryAfter, seconds);
      }
    }));

  Deno.test(`describe() through ${adapter} ends with the caller's own reason`, () =>
    withFake({ mode: "hang" }, async (fake) => {
      const caller = new AbortController();
      const call = connect(fake, adapter).describe(picture, { signal: caller.signal });
      setTimeout(() => caller.abort(new Error("the client left")), 20);
      await assert.rejects(call, { message: "the client left" });
      await assert.rejects(
        connect(fake, adapter).describe(picture, { signal: caller.signal }),
        { message: "the client left" },
      );
      assert.equal(fake.requests.length, 1, "nobody is asked for a caller who has left");
    }));

  Deno.test(`describe() through ${adapter} takes a caller's deadline for a slow provider`, () =>
    withFake({ mode: "hang" }, async (fake) => {
      const call = connect(fake, adapter).describe(picture, { signal: AbortSignal.timeout(50) });
      assert.equal((await failureOf(call)).kind, "slow");
    }));

  Deno.test(`describe() through ${adapter} tells an unreachable provider as down`, async () => {
    const fake = startFakeAi();
    await fake.close();
    const failure = await failureOf(connect(fake, adapter).describe(picture));
    assert.equal(failure.kind, "down");
    assert.equal(failure.code, "upstream_failed");
  });

  Deno.test(`every task through ${adapter} gives its shape`, () =>
    withFake({}, async (fake) => {
      const ai = connect(fake, adapter);
      const page = await ai.readText(picture);
      assert.deepEqual(page.value, {
        has_text: true,
        text: "Café de Flore",
        language: "fr",
        confidence: 0.97,
      });
      const summary = await ai.summarize({ title: "T", text: "words", url: "https://example.com" });
      assert.deepEqual(Object.keys(summary.value), ["title", "summary", "language"]);
      const task = await ai.draftTask({ description: "Update the docs", context: "Imago" });
      assert.equal(task.value.priority, "low");
      const listing = await ai.draftListing([picture, picture], { language: "français" });
      assert.equal(listing.value.price_suggested, 12.5);
      assert.equal(fake.requests.at(-1)?.pictures.length, 2);
      const scores = await ai.classify(picture, ["cat", "__proto__"]);
      assert.deepEqual(scores.value.scores, [{ label: "cat", score: 0.5 }, {
        label: "__proto__",
        score: 0.5,
      }]);
    }));

  Deno.test(`describe() through ${adapter} cleans what an injected model writes`, () =>
    withFake({ mode: "inject" }, async (fake) => {
      const { value } = await connect(fake, adapter).describe(picture);
      assert(value.description.length <= 2_000);
      assert(!value.description.includes("\u0007"));
      assert.equal(value.tags.length, 20);
      assert.deepEqual(value.tags.slice(0, 4), ["admin", "x", "b café b", "t0"]);
    }));

  Deno.test(`wrongshape through ${adapter} leaves every prototype as it was`, () =>
    withFake({ mode: "wrongshape" }, async (fake) => {
      await failureOf(connect(fake, adapter).describe(picture));
      assert.equal(Reflect.get({}, "isAdmin"), undefined);
      assert.equal(Reflect.get({}, "polluted"), undefined);
    }));
}

import assert from "node:assert/strict";
import { withBreaker } from "../../../lib/ai/breaker.ts";
import { AiFailure, type FailureKind } from "../../../lib/ai/failure.ts";
import type { Generated, GenerateRequest } from "../../../lib/ai/generate.ts";

const request: GenerateRequest = {
  system: "",
  text: "",
  pictures: [],
  schema: {},
  maxOutputTokens: 1,
};
const generated: Generated = {
  text: "{}",
  usage: { input_tokens: 1, output_tokens: 1, cost: null, model: "m" },
};

/** A breaker round a provider that does what `next` says, with a clock to turn. */
function setUp() {
  const world = {
    ms: 0,
    calls: 0,
    next: (): Promise<Generated> => Promise.resolve(generated),
  };
  const breaker = withBreaker(() => {
    world.calls++;
    return world.next();
  }, { failures: 5, probeEveryMs: 10_000, now: () => world.ms });
  return { world, breaker, ask: () => breaker.generate(request) };
}

const fail = (kind: FailureKind, retryAfter?: number) => () =>
  Promise.reject(new AiFailure(kind, `it is ${kind}`, { retryAfter }));

async function open({ world, ask }: ReturnType<typeof setUp>): Promise<void> {
  world.next = fail("down");
  for (let i = 0; i < 5; i++) await assert.rejects(ask());
}

for (const kind of ["down", "slow", "account", "busy"] as const) {
  Deno.test(`withBreaker() opens after five failures of kind ${kind}`, async () => {
    const { world, breaker, ask } = setUp();
    world.next = fail(kind);
    for (let i = 0; i < 5; i++) await assert.rejects(ask(), { kind });
    assert.equal(breaker.state().state, "open");
    await assert.rejects(ask(), { kind: "paused", code: "ai_unavailable" });
    assert.equal(world.calls, 5);
  });
}

for (const kind of ["request", "refusal", "answer", "format"] as const) {
  Deno.test(`withBreaker() stays closed when only questions are ${kind}`, async () => {
    const { world, breaker, ask } = setUp();
    world.next = fail(kind);
    for (let i = 0; i < 20; i++) await assert.rejects(ask(), { kind });
    assert.deepEqual(breaker.state(), {
      state: "closed",
      failures: 0,
      retry_at: null,
      last_error: null,
    });
  });
}

Deno.test("withBreaker() counts only failures in a row", async () => {
  const { world, breaker, ask } = setUp();
  for (let i = 0; i < 5; i++) {
    world.next = fail("down");
    for (let j = 0; j < 4; j++) await assert.rejects(ask());
    world.next = () => Promise.resolve(generated);
    await ask();
  }
  assert.equal(breaker.state().state, "closed");
});

Deno.test("withBreaker() says for how long it stays open", async () => {
  const setup = setUp();
  await open(setup);
  setup.world.ms = 2_500;
  await assert.rejects(setup.ask(), (error: AiFailure) => {
    assert.equal(error.extras.retryAfter, 8);
    assert.equal(error.status, 503);
    return true;
  });
  assert.deepEqual(setup.breaker.state(), {
    state: "open",
    failures: 5,
    retry_at: 10_000,
    last_error: "it is down",
  });
});

Deno.test("withBreaker() sends at most one probe every ten seconds", async () => {
  const setup = setUp();
  await open(setup);
  for (setup.world.ms = 0; setup.world.ms < 60_000; setup.world.ms += 1_000) {
    await assert.rejects(setup.ask());
  }
  assert.equal(setup.world.calls, 5 + 5, "at 10, 20, 30, 40 and 50 s");
});

Deno.test("withBreaker() sends one probe at a time", async () => {
  const setup = setUp();
  const { world, breaker, ask } = setup;
  await open(setup);
  world.ms = 10_000;
  const answer = Promise.withResolvers<Generated>();
  world.next = () => answer.promise;
  const probe = ask();
  assert.equal(breaker.state().state, "probing");
  world.ms = 40_000;
  await assert.rejects(ask(), { kind: "paused", extras: { retryable: true, retryAfter: 10 } });
  assert.equal(world.calls, 6);
  answer.resolve(generated);
  await probe;
  assert.equal(breaker.state().state, "closed");
});

Deno.test("withBreaker() closes with the first answer, even a bad one", async () => {
  const setup = setUp();
  await open(setup);
  setup.world.ms = 10_000;
  setup.world.next = fail("answer");
  await assert.rejects(setup.ask(), { kind: "answer" });
  assert.equal(setup.breaker.state().state, "closed");
});

Deno.test("withBreaker() pauses for as long as a 429 asks", async () => {
  const { world, breaker, ask } = setUp();
  world.next = fail("busy", 60);
  await assert.rejects(ask(), { kind: "busy" });
  world.ms = 59_999;
  await assert.rejects(ask(), { kind: "paused" });
  world.ms = 60_000;
  world.next = () => Promise.resolve(generated);
  await ask();
  assert.equal(breaker.state().state, "closed");
});

Deno.test("withBreaker() waits no longer than a short 429 asks", async () => {
  const { world, ask } = setUp();
  world.next = fail("busy", 7);
  await assert.rejects(ask(), { kind: "busy" });
  world.ms = 7_000;
  await assert.rejects(ask(), { kind: "busy" });
  world.ms = 14_000;
  await assert.rejects(ask(), { kind: "paused" });
  assert.equal(world.calls, 2, "probes keep their distance");
});

Deno.test("withBreaker() is not held open by failures that began before it opened", async () => {
  const setup = setUp();
  const { world, breaker, ask } = setup;
  const late = Promise.withResolvers<Generated>();
  world.next = () => late.promise;
  const slow = ask();
  await open(setup);
  world.ms = 9_000;
  late.reject(new AiFailure("slow", "late"));
  await assert.rejects(slow);
  assert.equal(breaker.state().retry_at, 10_000);
  assert.equal(breaker.state().failures, 5);
});

Deno.test("withBreaker() learns nothing from a caller who gives up, and frees the probe", async () => {
  const setup = setUp();
  const { world, breaker, ask } = setup;
  await open(setup);
  world.ms = 10_000;
  world.next = () => Promise.reject(new Error("the client left"));
  await assert.rejects(ask(), { message: "the client left" });
  assert.deepEqual(breaker.state(), {
    state: "open",
    failures: 5,
    retry_at: 20_000,
    last_error: "it is down",
  });
  world.ms = 20_000;
  world.next = () => Promise.resolve(generated);
  await ask();
  assert.equal(breaker.state().state, "closed");
});

Deno.test("probeNow() lets exactly one call through at once", async () => {
  const setup = setUp();
  await open(setup);
  setup.breaker.probeNow();
  await assert.rejects(setup.ask(), { kind: "down" });
  await assert.rejects(setup.ask(), { kind: "paused" });
  assert.equal(setup.world.calls, 6);
});

Deno.test("probeNow() does nothing to a closed breaker", () => {
  const { breaker } = setUp();
  breaker.probeNow();
  assert.equal(breaker.state().state, "closed");
});

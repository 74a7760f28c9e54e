import assert from "node:assert/strict";
import { createMemoryGuard } from "../../../lib/live/memory_guard.ts";

const MB = 1_048_576;

/** A guard that looks when it is told to: each look is 50 ms after the last. */
function watch() {
  let now = 0;
  let next: (() => void) | null = null;
  const memory = { rss: 100 * MB, heapTotal: 20 * MB, external: 0 };
  const told: string[] = [];
  const wire = { bytes: 0 };
  const guard = createMemoryGuard({
    clock: {
      after(_, run) {
        next = run;
        return () => next = null;
      },
    },
    measure: () => memory,
    expected: () => wire.bytes,
    askAll: () => told.push("ask"),
    endSilent: () => told.push("end silent"),
    endMute: () => told.push("end mute"),
  });
  guard.start();
  const pass = (ms: number) => {
    for (const end = now + ms; now < end;) {
      now += 50;
      next?.();
    }
  };
  return { memory, wire, told, guard, pass };
}

Deno.test("createMemoryGuard() asks everybody when memory grows, and ends who does not answer", () => {
  const { memory, told, pass } = watch();
  pass(1_000);
  memory.rss += 60 * MB;
  pass(1_000);
  assert.deepEqual(told, []);
  memory.rss += 10 * MB;
  pass(50);
  assert.deepEqual(told, ["end mute", "ask"]);
  pass(500);
  assert.equal(told.at(-1), "end silent");
  memory.rss -= 60 * MB;
  told.length = 0;
  pass(10_000);
  assert.deepEqual(told, []);
});

Deno.test("createMemoryGuard() goes on while memory grows, and leaves in peace what stays the same", () => {
  const { memory, told, pass } = watch();
  memory.rss += 100 * MB;
  for (let round = 0; round < 5; round++) {
    pass(550);
    memory.rss += 10 * MB;
  }
  assert.equal(told.filter((what) => what === "end silent").length, 5);
  pass(2_000);
  told.length = 0;
  pass(60_000);
  assert.deepEqual(told, []);
});

Deno.test("createMemoryGuard() takes neither heap nor what is sent for a client's doing, nor looks once it is stopped", () => {
  const { memory, wire, told, guard, pass } = watch();
  wire.bytes = 500 * MB;
  memory.rss += 500 * MB;
  pass(1_000);
  memory.rss -= 500 * MB;
  memory.rss += 200 * MB;
  memory.heapTotal += 200 * MB;
  pass(1_000);
  memory.heapTotal -= 200 * MB;
  pass(5_000);
  assert.deepEqual(told, []);
  guard.stop();
  memory.rss += 500 * MB;
  pass(60_000);
  assert.deepEqual(told, []);
});

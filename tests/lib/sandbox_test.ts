import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { Problem } from "../../lib/errors.ts";
import { createSandbox, type SandboxOptions } from "../../lib/sandbox.ts";
import { detectWalls } from "../../lib/sandbox_walls.ts";

const walls = await detectWalls();

const BASE: SandboxOptions = {
  name: "test",
  entry: new URL("../fixtures/sandbox_child.ts", import.meta.url),
  size: 1,
  memoryMb: 1024,
  deadlineMs: 20_000,
  idleMs: 60_000,
  recycleAfter: 100,
  maxWaiting: 10,
  permissions: [],
};

function sandboxTest(
  name: string,
  options: Partial<SandboxOptions>,
  test: (sandbox: ReturnType<typeof createSandbox>) => Promise<void>,
  ignore = false,
): void {
  Deno.test({
    name,
    ignore,
    sanitizeOps: true,
    sanitizeResources: true,
    async fn() {
      await using sandbox = createSandbox({ ...BASE, ...options });
      await test(sandbox);
    },
  });
}

const PARENT = new URL("../fixtures/sandbox_parent.ts", import.meta.url);

const problem = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof Problem && error.code === code && pattern.test(error.detail);

sandboxTest("run() carries a body there and blobs back", {}, async (sandbox) => {
  const body = crypto.getRandomValues(new Uint8Array(60_000));
  const big = new Uint8Array(5_000_000).fill(7);
  assert.deepEqual((await sandbox.run("echo", body)).blobs, [body, body.subarray(0, 1)]);
  const answer = await sandbox.run("echo", big);
  assert.deepEqual(answer.result, { length: big.length, jobs: 2 });
  assert.equal(Buffer.compare(answer.blobs[0]!, big), 0);
});

sandboxTest("run() streams a body of known length", {}, async (sandbox) => {
  const stream = ReadableStream.from([new Uint8Array(3).fill(1), new Uint8Array(4).fill(2)]);
  const { blobs } = await sandbox.run("echo", { stream, length: 7 });
  assert.deepEqual([...blobs[0]!], [1, 1, 1, 2, 2, 2, 2]);
});

sandboxTest("run() rethrows the error of the body and stays usable", {}, async (sandbox) => {
  async function* broken() {
    yield new Uint8Array(10);
    await Promise.resolve();
    throw new Problem("storage_full", "The disk broke");
  }
  const body = { stream: ReadableStream.from(broken()), length: 20 };
  await assert.rejects(sandbox.run("echo", body), problem("storage_full", /broke/));
  const short = { stream: ReadableStream.from([new Uint8Array(1)]), length: 2 };
  await assert.rejects(sandbox.run("echo", short), /promised/);
  assert.deepEqual((await sandbox.run("echo")).result, { length: 0, jobs: 1 });
});

sandboxTest("run() kills a job at its deadline", {}, async (sandbox) => {
  for (const request of ["spin", "hang"]) {
    const job = sandbox.run(request, undefined, { deadlineMs: 300 });
    await assert.rejects(job, problem("upstream_timeout", /stopped after 0.3 s/));
  }
  assert.equal(sandbox.stats().killed, 2);
  assert.deepEqual((await sandbox.run("echo")).result, { length: 0, jobs: 1 });
});

sandboxTest("run() says that the child crashed, and starts another", {}, async (sandbox) => {
  await assert.rejects(
    sandbox.run("exit"),
    problem("upstream_failed", /ended unexpectedly \(exit code 3\)/),
  );
  assert.deepEqual((await sandbox.run("echo")).result, { length: 0, jobs: 1 });
  assert.equal(sandbox.stats().crashed, 1);
});

sandboxTest("run() survives a child that eats memory", { memoryMb: 700 }, async (sandbox) => {
  await assert.rejects(
    sandbox.run("hoard"),
    (error) => error instanceof Error && /ended unexpectedly|RangeError/.test(error.message),
  );
  assert.deepEqual((await sandbox.run("pid")).blobs, []);
}, !walls.memory);

sandboxTest("run() passes the child's own errors on", {}, async (sandbox) => {
  await assert.rejects(sandbox.run("refuse"), problem("invalid_content", /^Cannot read the pic/));
  await assert.rejects(
    sandbox.run("bug"),
    (error: unknown) =>
      error instanceof Error && !(error instanceof Problem) && /x is not a/.test(error.message),
  );
  assert.deepEqual((await sandbox.run("echo")).result, { length: 0, jobs: 3 });
});

sandboxTest("run() kills the child when the signal aborts", {}, async (sandbox) => {
  const control = new AbortController();
  const job = sandbox.run("spin", undefined, { signal: control.signal });
  const waiting = sandbox.run("spin", undefined, { signal: control.signal });
  setTimeout(() => control.abort(new Error("gone")), 200);
  await Promise.all([assert.rejects(job, /gone/), assert.rejects(waiting, /gone/)]);
  await assert.rejects(sandbox.run("echo", undefined, { signal: control.signal }), /gone/);
  assert.deepEqual((await sandbox.run("echo")).result, { length: 0, jobs: 1 });
});

sandboxTest("run() refuses when the line is full", { maxWaiting: 1 }, async (sandbox) => {
  const jobs = [sandbox.run("echo"), sandbox.run("echo")];
  await assert.rejects(
    sandbox.run("echo"),
    (error: unknown) =>
      error instanceof Problem && error.code === "unavailable" && error.extras.retryAfter! >= 1,
  );
  await Promise.all(jobs);
  await sandbox.run("echo");
});

sandboxTest(
  "run() replaces a child after its share of jobs",
  { recycleAfter: 2 },
  async (sandbox) => {
    const pids: unknown[] = [];
    for (let i = 0; i < 5; i++) pids.push((await sandbox.run("pid")).result);
    assert.equal(new Set(pids).size, 3);
    assert.equal(sandbox.stats().recycled, 2);
  },
);

sandboxTest("run() starts no more children than its size", { size: 2 }, async (sandbox) => {
  const answers = await Promise.all(Array.from({ length: 6 }, () => sandbox.run("pid")));
  assert.equal(new Set(answers.map((answer) => answer.result)).size, 2);
  assert.deepEqual(sandbox.stats(), {
    ...{ size: 2, children: 2, busy: 0, waiting: 0 },
    ...{ jobs: 6, killed: 0, crashed: 0, recycled: 0 },
  });
});

sandboxTest("run() drains stderr and keeps stdout for frames", {}, async (sandbox) => {
  assert.equal((await sandbox.run("noise")).result, "done");
});

sandboxTest(
  "a child may not read, write, connect, run or see the environment",
  {},
  async (sandbox) => {
    assert.deepEqual((await sandbox.run("escape")).result, []);
  },
);

sandboxTest("a child with nothing to do ends", { idleMs: 1 }, async (sandbox) => {
  await sandbox.run("echo");
  while (sandbox.stats().children > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

sandboxTest("close() refuses who waits and who comes", {}, async (sandbox) => {
  const busy = assert.rejects(sandbox.run("spin"), problem("unavailable", /shutting down/));
  const waiting = assert.rejects(sandbox.run("echo"), problem("unavailable", /shutting down/));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await sandbox.close();
  await Promise.all([busy, waiting]);
  await assert.rejects(sandbox.run("echo"), problem("unavailable", /shutting down/));
  assert.equal(sandbox.stats().children, 0);
});

Deno.test("children end when their parent is killed", async () => {
  // Without setpriv a child in the middle of a job ends only after it.
  const job = walls.orphans ? "spin" : "hang";
  const parent = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-env=HOME,DENO_DIR", "--allow-run", PARENT.pathname, job],
    ...{ stdin: "null", stdout: "piped", stderr: "null" },
  }).spawn();
  const reader = parent.stdout.getReader();
  const pids = new TextDecoder().decode((await reader.read()).value).trim().split(" ").map(Number);
  assert.equal(pids.length, 2);
  parent.kill("SIGKILL");
  await Promise.all([parent.status, reader.cancel()]);
  while (await someAlive(pids)) await new Promise((resolve) => setTimeout(resolve, 10));
});

/** A zombie, which waits for whoever adopted it, runs no more. */
async function someAlive(pids: number[]): Promise<boolean> {
  const args = ["-o", "stat=", "-p", pids.join(",")];
  const { stdout } = await new Deno.Command("ps", { args }).output();
  const states = new TextDecoder().decode(stdout).trim().split(/\s+/).filter(Boolean);
  return states.some((state) => !state.startsWith("Z"));
}

sandboxTest(
  "run() gives no job to a child that is being ended for its idleness",
  { idleMs: 0 },
  async (sandbox) => {
    for (let round = 0; round < 3; round++) {
      assert.deepEqual((await sandbox.run("echo")).result, { length: 0, jobs: 1 });
      // Its timer was set before this one: it is told to end, and not gone yet.
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  },
);

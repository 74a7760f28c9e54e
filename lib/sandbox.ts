import { z } from "@hono/zod-openapi";
import { getLogger } from "@logtape/logtape";
import { Problem, type ProblemCode, PROBLEMS } from "./errors.ts";
import { encodePreamble, type Json, type Message } from "./sandbox_frames.ts";
import { type Child, startChild } from "./sandbox_process.ts";
import { detectWalls, type Walls } from "./sandbox_walls.ts";

export type SandboxOptions = {
  /** What the children do, for messages and logs: `imaging`. */
  name: string;
  /** The child's module; it calls `serve` of sandbox_child.ts. */
  entry: URL;
  /** Children at most; each works on one job at a time. */
  size: number;
  /** Memory of one child. Native and WASM memory are bounded only where `prlimit` exists. */
  memoryMb: number;
  /** A job that runs longer costs its child. Waiting in line does not count. */
  deadlineMs: number;
  /** A child with nothing to do for so long is ended. */
  idleMs: number;
  /** A child is replaced after so many jobs: leaks of native libraries stay small. */
  recycleAfter: number;
  /** Jobs that may wait for a child; the next one is refused. */
  maxWaiting: number;
  /** The child needs the network: it is not walled off from it. */
  network?: boolean;
  /** Deno permission flags of the child, as narrow as it can work with: `--allow-read=…`. */
  permissions: string[];
  /** The child's whole environment; by default only what Deno needs to find its cache. */
  env?: Record<string, string>;
};

export type SandboxBody = Uint8Array | { stream: ReadableStream<Uint8Array>; length: number };
export type RunLimits = { signal?: AbortSignal; deadlineMs?: number };
export type SandboxAnswer = { result: unknown; blobs: Uint8Array[] };
export type SandboxStats = {
  size: number;
  children: number;
  busy: number;
  waiting: number;
  /** Counted since the start: jobs done, children killed at a deadline, crashed, replaced. */
  jobs: number;
  killed: number;
  crashed: number;
  recycled: number;
};

export type Sandbox = ReturnType<typeof createSandbox>;

const NO_BODY = new Uint8Array(0);

const Reply = z.union([
  z.object({ ok: z.literal(true), result: z.unknown() }),
  z.object({ ok: z.literal(false), code: z.string(), message: z.string() }),
]);

/**
 * A pool of child processes for work that a stranger's bytes could make slow, huge or fatal.
 * Children start on demand, work on one job at a time, die at a deadline, and cost nobody else
 * anything when they crash.
 */
export function createSandbox(options: SandboxOptions) {
  const log = getLogger(["imago", "sandbox", options.name]);
  const children = new Set<Child>();
  const idle: Child[] = [];
  const line: PromiseWithResolvers<Child>[] = [];
  const counts = { jobs: 0, killed: 0, crashed: 0, recycled: 0 };
  let walls: Walls | undefined;
  let meanMs = 500;
  let closed = false;

  /**
   * Runs one job and gives the child's answer. Throws `unavailable` (with Retry-After) when the
   * line is full, `upstream_timeout` when the job was killed at its deadline, `upstream_failed`
   * when the child ended under it, the child's own `Problem`, the signal's reason, or the error of
   * the body's stream.
   */
  async function run(
    request: Json,
    body: SandboxBody = NO_BODY,
    limits: RunLimits = {},
  ): Promise<SandboxAnswer> {
    walls ??= await detectWalls();
    limits.signal?.throwIfAborted();
    const child = takeChild() ?? await standInLine(limits.signal);
    const startedAt = performance.now();
    try {
      return await work(child, request, body, limits);
    } finally {
      counts.jobs++;
      meanMs += (performance.now() - startedAt - meanMs) / 10;
      release(child);
    }
  }

  function takeChild(): Child | undefined {
    if (closed) throw shuttingDown();
    let child = idle.pop();
    // One that is being ended for its idleness takes no job any more.
    while (child?.killed()) child = idle.pop();
    child?.wake();
    return child ?? (children.size < options.size ? spawn() : undefined);
  }

  function spawn(): Child {
    const child = startChild(options, options.network ? { ...walls!, network: null } : walls!);
    children.add(child);
    void child.ended.then(({ killedFor, ...end }) => {
      children.delete(child);
      if (idle.includes(child)) idle.splice(idle.indexOf(child), 1);
      if (!killedFor) log.warn("A child ended by itself: {cause}", end);
      serveLine();
    });
    return child;
  }

  function standInLine(signal?: AbortSignal): Promise<Child> {
    if (line.length >= options.maxWaiting) throw full();
    const place = Promise.withResolvers<Child>();
    const leave = () => {
      const at = line.indexOf(place);
      // Whose turn has come stands in line no more: nobody else may lose a place for it.
      if (at >= 0) line.splice(at, 1);
      place.reject(signal?.reason);
    };
    line.push(place);
    signal?.addEventListener("abort", leave, { once: true });
    return place.promise.finally(() => signal?.removeEventListener("abort", leave));
  }

  function full(): Problem {
    const seconds = (meanMs * (line.length + 1)) / options.size / 1000;
    const retryAfter = Math.min(60, Math.max(1, Math.ceil(seconds)));
    const detail = `All ${options.name} workers are busy, try again later`;
    return new Problem("unavailable", detail, { retryAfter });
  }

  function shuttingDown(): Problem {
    return new Problem("unavailable", `The ${options.name} workers are shutting down`);
  }

  async function work(child: Child, request: Json, body: SandboxBody, limits: RunLimits) {
    const { signal, deadlineMs = options.deadlineMs } = limits;
    const timer = setTimeout(() => child.kill("deadline"), deadlineMs);
    const abort = () => child.kill("abort");
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const reply = await child.exchange(encodePreamble(request, [body.length]), body);
      return reply ? open(reply) : await explainEnd(child, deadlineMs, signal);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Throws the reason why a child ended in the middle of a job. */
  async function explainEnd(
    child: Child,
    deadlineMs: number,
    signal?: AbortSignal,
  ): Promise<never> {
    const { cause, killedFor } = await child.ended;
    if (killedFor === "abort") throw signal?.reason;
    if (killedFor === "close") throw shuttingDown();
    if (killedFor === "deadline") {
      counts.killed++;
      const detail = `The ${options.name} worker was stopped after ${deadlineMs / 1000} s`;
      throw new Problem("upstream_timeout", detail);
    }
    counts.crashed++;
    const detail = `The ${options.name} worker ended unexpectedly (${killedFor ?? cause}), ` +
      "probably out of memory";
    throw new Problem("upstream_failed", detail);
  }

  function release(child: Child): void {
    if (child.jobs >= options.recycleAfter && !child.killed()) {
      counts.recycled++;
      child.kill("recycled");
    }
    if (child.killed() || !children.has(child)) return;
    child.rest();
    idle.push(child);
    serveLine();
  }

  /** Gives free children to whoever has waited longest. */
  function serveLine(): void {
    while (line.length > 0 && !closed) {
      const child = takeChild();
      if (!child) return;
      line.shift()!.resolve(child);
    }
  }

  function stats(): SandboxStats {
    const busy = children.size - idle.length;
    return { size: options.size, children: children.size, busy, waiting: line.length, ...counts };
  }

  /** Refuses whoever waits, kills every child and waits until they are gone. Safe to repeat. */
  async function close(): Promise<void> {
    closed = true;
    for (const place of line.splice(0)) place.reject(shuttingDown());
    for (const child of children) child.kill("close");
    await Promise.all([...children].map((child) => child.ended));
  }

  return { run, stats, close, [Symbol.asyncDispose]: close };
}

/** The child's result, or its own error with its code. */
function open({ header, blobs }: Message): SandboxAnswer {
  const reply = Reply.parse(header);
  if (reply.ok) return { result: reply.result, blobs };
  if (reply.code === "internal" || !(reply.code in PROBLEMS)) throw new Error(reply.message);
  throw new Problem(reply.code as ProblemCode, reply.message);
}

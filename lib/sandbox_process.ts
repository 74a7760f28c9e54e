import { type Message, readMessage } from "./sandbox_frames.ts";
import type { SandboxBody, SandboxOptions } from "./sandbox.ts";
import { launchPrefix, type Walls } from "./sandbox_walls.ts";

const STDERR_TAIL_BYTES = 2048;

/** One child process, as the pool sees it. */
export type Child = ReturnType<typeof startChild>;

/** Starts a child inside whatever walls this system has. It works on one job at a time. */
export function startChild(options: SandboxOptions, walls: Walls) {
  const process = spawn(options, walls);
  const replies = process.stdout.getReader({ mode: "byob" });
  const input = process.stdin.getWriter();
  const stderr = tailOf(process.stderr);
  let idleTimer: ReturnType<typeof setTimeout> | undefined;
  let killedFor: string | undefined;

  const ended = process.status.then(async ({ signal, code }) => {
    await Promise.allSettled([input.abort(), replies.cancel()]);
    return { cause: signal ?? `exit code ${code}`, stderr: await stderr, killedFor };
  });

  function kill(reason: string): void {
    clearTimeout(idleTimer);
    process.ref();
    killedFor ??= reason;
    try {
      process.kill("SIGKILL");
    } catch (error) {
      // It may have ended a moment ago.
      if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  async function sendBody(body: SandboxBody): Promise<boolean> {
    try {
      return await writeBody(input, body);
    } catch (error) {
      kill("body failed");
      throw error;
    }
  }

  return {
    jobs: 0,
    kill,
    killed: () => killedFor !== undefined,
    /** Settles when the process is gone: what ended it, its last words, why the pool killed it. */
    ended,

    /** Sends a job; gives the reply, or null when the child ended first. Throws what `body` throws. */
    async exchange(preamble: Uint8Array, body: SandboxBody): Promise<Message | null> {
      this.jobs++;
      const reply = readMessage(replies).catch((error) => {
        kill(`broken answer: ${error.message}`);
        return null;
      });
      return await write(input, preamble) && await sendBody(body) ? await reply : null;
    },

    /** An idle child keeps neither the program alive nor itself for longer than `idleMs`. */
    rest(): void {
      process.unref();
      idleTimer = setTimeout(() => kill("idle"), options.idleMs);
      Deno.unrefTimer(idleTimer);
    },

    wake(): void {
      clearTimeout(idleTimer);
      process.ref();
    },
  };
}

function spawn(options: SandboxOptions, walls: Walls): Deno.ChildProcess {
  const [command, ...args] = [
    ...launchPrefix(walls, options.memoryMb),
    Deno.execPath(),
    ...["run", "--quiet", "--no-prompt", "--no-remote", "--cached-only"],
    `--v8-flags=--max-old-space-size=${Math.ceil(options.memoryMb / 2)}`,
    ...options.permissions,
    options.entry.href,
  ];
  return new Deno.Command(command!, {
    args,
    env: {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      // glibc's arenas, one a thread, keep what native libraries free: a fifth of a child's memory.
      MALLOC_ARENA_MAX: "2",
      ...options.env ?? cacheLocation(),
    },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** The only part of the environment that Deno needs: where its cache is. No secret passes. */
function cacheLocation(): Record<string, string> {
  const entries = ["DENO_DIR", "HOME"].map((name) => [name, Deno.env.get(name)] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => !!entry[1]));
}

/** True when written; false when the child is gone. */
async function write(input: WritableStreamDefaultWriter<Uint8Array>, bytes: Uint8Array) {
  try {
    await input.write(bytes);
    return true;
  } catch {
    // The pipe broke because the child ended; `ended` says why.
    return false;
  }
}

async function writeBody(
  input: WritableStreamDefaultWriter<Uint8Array>,
  body: SandboxBody,
): Promise<boolean> {
  if (body instanceof Uint8Array) return body.length === 0 || await write(input, body);
  let left = body.length;
  for await (const chunk of body.stream) {
    left -= chunk.length;
    if (left < 0) break;
    if (!await write(input, chunk)) return false;
  }
  if (left !== 0) throw new Error(`The stream does not have the ${body.length} bytes it promised`);
  return true;
}

/** Drains a stream to its end, keeping its last bytes as text. */
async function tailOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  let tail = new Uint8Array(0);
  for await (const chunk of stream) {
    const joined = new Uint8Array(tail.length + chunk.length);
    joined.set(tail);
    joined.set(chunk, tail.length);
    tail = joined.slice(-STDERR_TAIL_BYTES);
  }
  return new TextDecoder().decode(tail).trim();
}

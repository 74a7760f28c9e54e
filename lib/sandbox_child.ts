import { Problem } from "./errors.ts";
import { encodePreamble, type Json, type Message, readMessage } from "./sandbox_frames.ts";

export type ChildJob = { request: unknown; body: Uint8Array };
export type ChildAnswer = { result: Json; blobs?: Uint8Array[] };

/**
 * The other end of `createSandbox`: answers jobs from stdin, one at a time, until stdin ends, which
 * also happens when the parent is killed. A `Problem` that the handler throws reaches the caller
 * with its code; anything else arrives as `internal`.
 */
export async function serve(handler: (job: ChildJob) => Promise<ChildAnswer>): Promise<never> {
  keepStdoutForFrames();
  const reader = Deno.stdin.readable.getReader({ mode: "byob" });
  let next = nextMessage(reader);
  for (;;) {
    const message = await next;
    // Read ahead: the end of stdin is then seen while the handler is at work.
    next = nextMessage(reader);
    await answer(message, handler);
  }
}

async function nextMessage(reader: ReadableStreamBYOBReader): Promise<Message> {
  const message = await readMessage(reader);
  return message ?? Deno.exit(0);
}

async function answer(
  { header, blobs }: Message,
  handler: (job: ChildJob) => Promise<ChildAnswer>,
): Promise<void> {
  try {
    const answer = await handler({ request: header, body: blobs[0] ?? new Uint8Array(0) });
    await send({ ok: true, result: answer.result }, answer.blobs ?? []);
  } catch (error) {
    await send({ ok: false, ...describe(error) }, []);
  }
}

function describe(error: unknown): { code: string; message: string } {
  if (error instanceof Problem) return { code: error.code, message: error.detail };
  // deno-lint-ignore no-console -- stderr is the child's only log; the parent keeps its tail
  console.error(error);
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: "internal", message: message.slice(0, 1000) };
}

async function send(header: Json, blobs: Uint8Array[]): Promise<void> {
  await write(encodePreamble(header, blobs.map((blob) => blob.length)));
  for (const blob of blobs) await write(blob);
}

async function write(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
}

/** A library's stray `console.log` would otherwise land between two frames. */
function keepStdoutForFrames(): void {
  // deno-lint-ignore no-console -- it is what is turned away
  Object.assign(console, { log: console.error, info: console.error, debug: console.error });
}

import { AiFailure, refused } from "./failure.ts";

/** A model's answer is a few kilobytes; whatever is larger than this is not one. */
export const MAX_REPLY_BYTES = 1_048_576;

/** What a provider's SDK gets to talk through. */
export type Wire = { fetch: typeof fetch; signal: AbortSignal };

/**
 * Runs one call of a provider's SDK and answers for it: the reply is JSON of at most
 * `MAX_REPLY_BYTES`, read whole before `timeoutMs` is over. All else becomes an `AiFailure`,
 * whatever the SDK makes of it. Redirects are not followed: they would carry the key elsewhere.
 *
 * @throws {AiFailure} when the call fails; the signal's own reason when the caller gives up
 */
export async function exchange<T>(
  { signal, timeoutMs }: { signal?: AbortSignal; timeoutMs: number },
  call: (wire: Wire) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeoutMs);
  const either = signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal;
  let failure: AiFailure | undefined;
  const guarded: typeof fetch = async (input, init) => {
    try {
      return await boundedFetch(input, { ...init, redirect: "manual", signal: either });
    } catch (error) {
      failure = error instanceof AiFailure ? error : unreachable(error);
      throw failure;
    }
  };
  try {
    signal?.throwIfAborted();
    return await call({ fetch: guarded, signal: either });
  } catch (error) {
    if (signal?.aborted) throw givenUp(signal.reason);
    if (deadline.signal.aborted) throw tooSlow();
    throw failure ??
      (error instanceof AiFailure ? error : unreadable("it has another form", error));
  } finally {
    clearTimeout(timer);
  }
}

/** The reply was no answer of this kind of provider. */
export function unreadable(why: string, cause?: unknown): AiFailure {
  return new AiFailure("down", `Cannot read the AI provider's reply: ${why}`, { cause });
}

async function boundedFetch(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(input, init);
  const body = await boundedText(response);
  if (!response.ok) throw refused(response.status, response.headers, body);
  requireJson(body);
  return new Response(body, { headers: { "content-type": "application/json" } });
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let size = 0;
  let text = "";
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_REPLY_BYTES) throw unreadable(`it is larger than ${MAX_REPLY_BYTES} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function requireJson(body: string): void {
  if (!body.trim()) throw unreadable("it is empty");
  if (body.trimStart().startsWith("<")) throw unreadable("it is a web page");
  try {
    JSON.parse(body);
  } catch {
    // The parser's message would quote the reply.
    throw unreadable("it is not JSON");
  }
}

function unreachable(cause: unknown): AiFailure {
  return new AiFailure("down", "The connection to the AI provider failed", { cause });
}

function tooSlow(): AiFailure {
  return new AiFailure("slow", "The AI provider did not answer in time");
}

/** A caller's own deadline says as much about the provider as ours does. */
function givenUp(reason: unknown): unknown {
  return reason instanceof DOMException && reason.name === "TimeoutError" ? tooSlow() : reason;
}

import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { decode } from "./decode.ts";
import { Refusal, type Target } from "./targets.ts";

const MAX_BYTES = 5 * 1024 * 1024;

/** The response itself when it succeeded with a type that `accept`, if given, likes. */
export function acceptable(
  response: IncomingMessage,
  accept?: (type: string) => boolean,
): IncomingMessage {
  if (!accept) return response;
  const { statusCode = 0, headers } = response;
  if (statusCode < 200 || statusCode > 299) {
    throw new Refusal(`it answers ${statusCode}`, { status: statusCode });
  }
  const type = (headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
  if (!accept(type)) throw new Refusal(`its type is "${type.slice(0, 100)}"`);
  return response;
}

/** Everything but the body. Cookies are dropped. */
export function headOf({ statusCode = 0, rawHeaders }: IncomingMessage, { url }: Target) {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  headers.delete("set-cookie");
  const contentType = headers.get("content-type") ?? "";
  return { url: url.href, status: statusCode, headers, contentType };
}

/** The inflated body. Throws when it is cut off, or larger than `maxBytes` before or after. */
export async function bodyOf(
  response: IncomingMessage,
  maxBytes = MAX_BYTES,
): Promise<Uint8Array> {
  const tooLarge = new Refusal(`it has more than ${maxBytes} bytes`);
  if (Number(response.headers["content-length"] ?? 0) > maxBytes) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge;
    chunks.push(chunk);
  }
  if (!response.complete) throw new Refusal("it was cut off");
  return await decode(new Uint8Array(Buffer.concat(chunks)), encodingOf(response), maxBytes);
}

/** The body as it comes, which must not be encoded. Cancelling it ends the connection. */
export function streamOf(response: IncomingMessage): ReadableStream<Uint8Array> {
  if (!/^(identity)?$/i.test(encodingOf(response))) throw new Refusal("it is encoded unasked");
  return ReadableStream.from<Uint8Array>(response);
}

function encodingOf({ headers }: IncomingMessage): string {
  return headers["content-encoding"] ?? "";
}

import { Problem } from "../errors.ts";
import { ClientMessage } from "./messages.ts";

const BEARER = /^\s*Bearer\s+(\S{1,8192})\s*$/i;

/** Reads what a client says. `invalid_request` for no JSON, `invalid_content` for none of ours. */
export function parseMessage(text: string): ClientMessage {
  const parsed = ClientMessage.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const place = path.length ? `${path.join(".")}: ` : "";
  throw new Problem("invalid_content", `Cannot use the message: ${place}${message}`);
}

/**
 * The key or access token in a first message: `{"type":"auth","token":"…"}`, or what would stand in
 * the header, `Bearer …`. `unauthorized` where there is none.
 */
export function tokenIn(text: string): string {
  const [, bearer] = BEARER.exec(text) ?? [];
  if (bearer) return bearer;
  const message = ClientMessage.safeParse(parseJson(text));
  if (message.data?.type === "auth") return message.data.token.replace(/^Bearer\s+/i, "");
  throw new Problem("unauthorized", 'Send {"type":"auth","token":…} first');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("invalid_request", "Cannot read the message: it is no JSON");
  }
}

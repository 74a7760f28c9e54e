import { Problem } from "../errors.ts";
import { ClientMessage } from "./messages.ts";

/** Reads what a client says. `invalid_request` for no JSON, `invalid_content` for none of ours. */
export function parseMessage(text: string): ClientMessage {
  const parsed = ClientMessage.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const place = path.length ? `${path.join(".")}: ` : "";
  throw new Problem("invalid_content", `Cannot use the message: ${place}${message}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem("invalid_request", "Cannot read the message: it is no JSON");
  }
}

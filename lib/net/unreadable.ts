import { Problem } from "../errors.ts";

/**
 * The one answer for every address that cannot be read: forbidden, unreachable, refused, too slow,
 * too large, of a wrong type, without text. Were there several, a stranger could map the inside of
 * our network with them. The reason is the cause, for the log.
 */
export function unreadable(cause: unknown): Problem {
  const detail =
    "Cannot read the address: it is not allowed, does not answer, or is too slow or too large";
  return new Problem("invalid_content", detail, { cause });
}

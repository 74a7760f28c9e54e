import { AsyncLocalStorage } from "node:async_hooks";
import {
  configure,
  getAnsiColorFormatter,
  getConsoleSink,
  jsonLinesFormatter,
  type LogRecord,
  type Sink,
} from "@logtape/logtape";
import type { Config } from "./config.ts";

/** What every line says that is logged while something runs: `request_id`, `tenant` … */
export type LogContext = Readonly<Record<string, unknown>>;

const contexts = new AsyncLocalStorage<Record<string, unknown>>();

/** Runs `work`; each line logged meanwhile carries `context`. Its getters are read at each line. */
export function withLogContext<T>(context: LogContext, work: () => T): T {
  return contexts.run(context, work);
}

type Options = Pick<Config, "DEBUG" | "LOG_LEVEL"> & {
  /** Takes the place of the console; for tests. */
  write?: (line: string) => void;
};

/**
 * Sends the log to the console: one JSON object a line, or coloured lines for people in DEBUG.
 * Whatever a name or a header holds, a line stays one line, and a key stays unsaid.
 */
export async function configureLogs({ DEBUG, LOG_LEVEL, write }: Options): Promise<void> {
  const formatter = DEBUG ? getAnsiColorFormatter() : formatLine;
  const sink: Sink = write ? (record) => write(formatter(record)) : getConsoleSink({ formatter });
  await configure({
    reset: true,
    contextLocalStorage: contexts,
    sinks: { console: sink },
    loggers: [
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["console"] },
      { category: ["imago"], lowestLevel: LOG_LEVEL, sinks: ["console"] },
    ],
  });
}

/** A record as one line of JSON, whose every control character is escaped. */
export function formatLine(record: LogRecord): string {
  const line = jsonLinesFormatter(record).trimEnd();
  return line.replace(UNSEEN, escape).replace(SECRETS, "$1[redacted]");
}

/** What JSON lets stand, but terminals and line readers act on: C1 controls, line separators, bidi. */
const UNSEEN = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/**
 * What looks like a secret, should one ever get into the words of an error: Imago's keys, bearer
 * tokens, provider keys, signatures in addresses, passwords in addresses.
 */
const SECRETS =
  /(imago_|Bearer +|\bsk-|\bAIza|X-Amz-(?:Signature|Credential)=|[?&](?:key|sig|signature|token|ticket)=|\/files\/signed\/|:\/\/[^\s/:@"]*:(?=[^\s/"]*@))[^\s"'&@\\]{8,}/gi;

function escape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

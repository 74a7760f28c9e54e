import { Problem, type ProblemCode, type ProblemExtras } from "../errors.ts";
import type { Usage } from "./generate.ts";

/** Every way in which asking a model fails: what Imago answers, and whether trying again can help. */
const KINDS = {
  /** No usable reply at all: 5xx, network, a gateway's web page. */
  down: ["upstream_failed", true],
  /** No whole reply in time. */
  slow: ["upstream_timeout", true],
  /** 429: the provider asks for a pause. */
  busy: ["ai_unavailable", true],
  /** The breaker is open: nobody was asked. */
  paused: ["ai_unavailable", true],
  /** The provider refuses Imago's key or account, or knows no such model. */
  account: ["upstream_failed", false],
  /** The provider refuses this very request. */
  request: ["upstream_failed", false],
  /** The provider refuses the way in which an answer's shape was asked for. */
  format: ["upstream_failed", false],
  /** The model declines to speak about this content. */
  refusal: ["invalid_content", false],
  /** The model answered, but not what it was asked for. */
  answer: ["upstream_failed", true],
} as const satisfies Record<string, readonly [ProblemCode, boolean]>;

export type FailureKind = keyof typeof KINDS;

/**
 * A failed call of a model. Its sentence never repeats what the provider wrote, which may hold
 * secrets. `usage` is set when the call was paid for all the same.
 */
export class AiFailure extends Problem {
  readonly usage: Usage | null;
  constructor(
    readonly kind: FailureKind,
    detail: string,
    { usage = null, ...extras }: ProblemExtras & { usage?: Usage | null } = {},
  ) {
    super(KINDS[kind][0], detail, { retryable: KINDS[kind][1], ...extras });
    this.usage = usage;
  }
}

/**
 * The failure that an HTTP status other than 2xx stands for.
 *
 * @param body what the provider wrote: looked at for known marks, never kept
 */
export function refused(status: number, headers: Headers, body: string): AiFailure {
  const kind = kindOf(status, body);
  return new AiFailure(kind, SENTENCES[kind](status), {
    upstreamStatus: status,
    retryAfter: kind === "busy" || status === 503 ? retryAfter(headers, body) : undefined,
  });
}

/** The model will not speak about this content, however often it is asked. */
export function declined(usage: Usage): AiFailure {
  return new AiFailure("refusal", "The AI provider declines to answer about this content", {
    usage,
  });
}

/** The answer ran into the limit of tokens. */
export function cutOff(usage: Usage): AiFailure {
  return new AiFailure("answer", "Cannot use the AI's answer: it is cut off", { usage });
}

/** No pause lasts longer, whatever a provider asks for; afterwards one probe at a time finds out. */
export const MAX_RETRY_AFTER_SECONDS = 120;

/**
 * Seconds that a refused caller should wait: `Retry-After` (RFC 9110 section 10.2.3) or Google's
 * `google.rpc.RetryInfo`; undefined where neither says anything usable.
 */
export function retryAfter(headers: Headers, body: string, now = Date.now()): number | undefined {
  const header = headers.get("retry-after")?.trim() ?? "";
  const info = /"retryDelay"\s*:\s*"(\d{1,12})(?:\.\d{1,9})?s"/.exec(body)?.[1];
  const seconds = /^\d+$/.test(header)
    ? Number(header)
    : header
    ? Math.ceil((Date.parse(header) - now) / 1000)
    : Number(info ?? NaN);
  return Number.isNaN(seconds)
    ? undefined
    : Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER_SECONDS);
}

type StatusKind = "down" | "busy" | "account" | "request" | "format" | "refusal";

const SENTENCES: Record<StatusKind, (status: number) => string> = {
  down: (status) => `The AI provider failed with status ${status}`,
  busy: () => "The AI provider asks for a pause",
  account: (status) =>
    status === 404
      ? "The AI provider does not know the configured model or address"
      : "The AI provider refuses Imago's credentials or account",
  request: (status) => `The AI provider refuses the request with status ${status}`,
  format: () => "The AI provider does not support this way of asking for an answer's shape",
  refusal: () => "The AI provider declines to answer about this content",
};

function kindOf(status: number, body: string): StatusKind {
  if (status === 429) return "busy";
  // 403 is also how OpenRouter refuses one picture: `metadata: { reasons, flagged_input }`.
  if (status === 403) return body.includes('"flagged_input"') ? "refusal" : "account";
  if (status === 401 || status === 402 || status === 404) return "account";
  // Google answers a wrong key with 400.
  if (status === 400 && body.includes("API_KEY_INVALID")) return "account";
  if (status === 400 || status === 422) return UNSUPPORTED.test(body) ? "format" : "request";
  if (status === 408 || status < 400 || status >= 500) return "down";
  return "request";
}

const UNSUPPORTED = /response.?format|json.?schema|json.?object|json.?mode|structured.?output/i;

/** Every problem that Imago can answer with, on one page: code → HTTP status and title (RFC 9457). */
export const PROBLEMS = {
  invalid_request: [400, "The request cannot be understood"],
  unauthorized: [401, "A valid key or token is needed"],
  forbidden: [403, "This is not allowed"],
  insufficient_scope: [403, "The key lacks the scope that this needs"],
  not_found: [404, "No such resource"],
  method_not_allowed: [405, "The method is not allowed here"],
  request_timeout: [408, "The request took too long to arrive"],
  conflict: [409, "The resource is in another state"],
  gone: [410, "The link has expired"],
  precondition_failed: [412, "The resource has changed"],
  too_large: [413, "The content is too large"],
  unsupported_type: [415, "The content type is not supported"],
  range_not_satisfiable: [416, "The range cannot be served"],
  invalid_content: [422, "The content is not valid"],
  upgrade_required: [426, "This is for WebSockets"],
  rate_limited: [429, "Too many requests"],
  budget_exceeded: [429, "The AI budget of this month is used up"],
  internal: [500, "Something went wrong on our side"],
  upstream_failed: [502, "A service that Imago relies on failed"],
  unavailable: [503, "Imago cannot do this at the moment"],
  ai_unavailable: [503, "No AI provider is available"],
  upstream_timeout: [504, "A service that Imago relies on did not answer in time"],
  quota_exceeded: [507, "The storage quota is used up"],
  storage_full: [507, "The disk is full"],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** What a problem may carry beside its sentence. */
export type ProblemExtras = {
  /** Seconds after which trying again makes sense; becomes `Retry-After`. */
  retryAfter?: number;
  /** One entry per field that failed validation. */
  errors?: { path: string; message: string }[];
  /** Response headers that belong to the answer. */
  headers?: Record<string, string>;
  /** What the service that failed answered: for the history of a job. */
  upstreamStatus?: number;
  /** false: trying again cannot help. */
  retryable?: boolean;
  /** What went wrong underneath: logged, never shown. */
  cause?: unknown;
};

/**
 * An expected failure with a sentence for the caller. Throw it anywhere; the routes turn it into
 * `application/problem+json`, the pipeline into an entry of a step's history. Anything else that is
 * thrown is a bug: answered as `internal`, logged in full.
 */
export class Problem extends Error {
  override readonly name = "Problem";
  constructor(
    readonly code: ProblemCode,
    /** A plain sentence, action first, no final period: `Cannot find image "…"`. */
    readonly detail: string,
    readonly extras: ProblemExtras = {},
  ) {
    super(detail, { cause: extras.cause });
  }

  get status(): number {
    return PROBLEMS[this.code][0];
  }

  get title(): string {
    return PROBLEMS[this.code][1];
  }
}

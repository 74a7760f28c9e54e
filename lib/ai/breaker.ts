import { AiFailure, type FailureKind } from "./failure.ts";
import type { Generate, Generated, GenerateRequest } from "./generate.ts";

export type BreakerOptions = {
  /** Failures in a row that open it. */
  failures?: number;
  /** Milliseconds between two probes, at least. */
  probeEveryMs?: number;
  /** Milliseconds since the epoch. */
  now?: () => number;
};

/** For health and metrics. `retry_at` is when the next probe may go, in ms since the epoch. */
export type BreakerState = {
  state: "closed" | "open" | "probing";
  failures: number;
  retry_at: number | null;
  last_error: string | null;
};

export type Breaker = ReturnType<typeof withBreaker>;

/**
 * A circuit breaker round a model (Nygard, "Release It!", 2nd edition, section 5.2). Failures in a
 * row that are the provider's open it; a 429 that names a pause opens it at once, for that long.
 * While it is open, calls fail with `ai_unavailable` without being sent, but for one probe at a
 * time, spaced by `probeEveryMs`; the first reply closes it. What is wrong with one question, its
 * refusal or a bad answer counts for nothing, so that no tenant can take AI from the others.
 */
export function withBreaker(
  generate: Generate,
  { failures: limit = 5, probeEveryMs = 10_000, now = Date.now }: BreakerOptions = {},
) {
  let failures = 0;
  let lastError: string | null = null;
  let retryAt: number | null = null;
  let probing = false;

  function refuse(until: number): never {
    const retryAfter = Math.max(1, Math.ceil((until - now()) / 1000));
    throw new AiFailure("paused", "The AI provider cannot be asked at the moment", { retryAfter });
  }

  function failed(error: unknown, isProbe: boolean): void {
    if (!(error instanceof AiFailure)) return isProbe ? stayOpen(probeEveryMs) : undefined;
    if (!COUNTED.has(error.kind)) return reached();
    lastError = error.detail;
    const pauseMs = error.kind === "busy" ? (error.extras.retryAfter ?? 0) * 1000 : 0;
    // Calls that were sent before it opened tell nothing new.
    const isLate = retryAt !== null && !isProbe;
    if (!isLate) failures++;
    if (isProbe) stayOpen(Math.max(probeEveryMs, pauseMs));
    else if (pauseMs > 0) stayOpen(pauseMs);
    else if (!isLate && failures >= limit) stayOpen(probeEveryMs);
  }

  function stayOpen(ms: number): void {
    retryAt = Math.max(retryAt ?? 0, now() + ms);
  }

  function reached(): void {
    failures = 0;
    retryAt = null;
    lastError = null;
  }

  return {
    async generate(request: GenerateRequest): Promise<Generated> {
      if (probing) refuse(now() + probeEveryMs);
      if (retryAt !== null && now() < retryAt) refuse(retryAt);
      const isProbe = retryAt !== null;
      if (isProbe) probing = true;
      try {
        const generated = await generate(request);
        reached();
        return generated;
      } catch (error) {
        failed(error, isProbe);
        throw error;
      } finally {
        if (isProbe) probing = false;
      }
    },

    /** Lets the next call through at once, as a replay by hand wants it. Closed, it does nothing. */
    probeNow(): void {
      if (retryAt !== null) retryAt = now();
    },

    state(): BreakerState {
      const state = retryAt === null ? "closed" : probing ? "probing" : "open";
      return { state, failures, retry_at: retryAt, last_error: lastError };
    },
  };
}

/** What says that the provider, not the question, is the trouble. */
const COUNTED: ReadonlySet<FailureKind> = new Set<FailureKind>(["down", "slow", "busy", "account"]);

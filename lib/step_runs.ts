import { timestamp } from "./clock.ts";
import type { JobState, StepRun } from "./model/job.ts";

/** A step waits no longer for what it needs, so that no image stays unsettled for ever. */
export const MAX_SNOOZE_MS = 6 * 60 * 60 * 1000;

/** What ended a step's try. `message` is a sentence that a tenant may read. */
export type StepFailure = {
  code: string;
  message: string;
  upstreamStatus: number | null;
  /** Wait at least so long (ms), as a provider asked. */
  retryAfter?: number;
  /** Trying again is pointless. */
  final: boolean;
};

export type StepOutcome =
  | { kind: "done" }
  | { kind: "skipped"; reason: string }
  | { kind: "snoozed"; ms: number; reason: string }
  /** The process stops: the next one begins the step again. */
  | { kind: "interrupted" }
  | { kind: "failed"; failure: StepFailure };

/** A step that nothing has happened to. */
export function newStep(): StepRun {
  return {
    state: "pending",
    attempts: 0,
    errors: [],
    reason: null,
    started_at: null,
    done_at: null,
    retry_at: null,
  };
}

export function isEnded(step: StepRun): boolean {
  return step.state === "done" || step.state === "failed" || step.state === "skipped";
}

/** Whether a step may start now. */
export function isDue(step: StepRun, now: number): boolean {
  return step.state === "pending" ||
    (step.state === "retrying" && Date.parse(step.retry_at ?? "") <= now);
}

/** Writes into a step how its try ended. `maxTries` bounds failures; a snooze spends none. */
export function conclude(step: StepRun, outcome: StepOutcome, now: number, maxTries: number): void {
  step.retry_at = null;
  if (outcome.kind === "interrupted") {
    step.state = "pending";
  } else if (outcome.kind === "snoozed") {
    if (waitedTooLong(step, now)) return giveUp(step, now, neverCame(outcome.reason));
    step.state = "retrying";
    step.reason = outcome.reason;
    step.retry_at = timestamp(now + outcome.ms);
  } else if (outcome.kind === "failed") {
    step.attempts++;
    const { failure } = outcome;
    if (failure.final || step.attempts >= maxTries) return giveUp(step, now, failure);
    note(step, now, failure);
    step.state = "retrying";
    step.retry_at = timestamp(now + backoff(step.attempts, failure.retryAfter));
  } else {
    if (outcome.kind === "done") step.attempts++;
    step.state = outcome.kind;
    step.reason = outcome.kind === "skipped" ? outcome.reason : null;
    step.done_at = timestamp(now);
  }
}

/** Exponential from one second to five minutes, ±25 %, and never sooner than was asked for; in ms. */
export function backoff(attempts: number, atLeast = 0, random = Math.random): number {
  const base = Math.min(1_000 * 2 ** (attempts - 1), 300_000);
  return Math.max(atLeast, Math.round(base * (0.75 + random() / 2)));
}

function waitedTooLong(step: StepRun, now: number): boolean {
  return step.started_at !== null && now - Date.parse(step.started_at) > MAX_SNOOZE_MS;
}

function neverCame(reason: string): StepFailure {
  return { code: "waited_too_long", message: reason, upstreamStatus: null, final: true };
}

/** Ends a step as failed, with its last error. */
export function giveUp(step: StepRun, now: number, failure: StepFailure) {
  note(step, now, failure);
  step.state = "failed";
  step.reason = failure.message;
  step.retry_at = null;
  step.done_at = timestamp(now);
}

function note(step: StepRun, now: number, failure: StepFailure) {
  step.errors.push({
    at: timestamp(now),
    attempt: step.attempts,
    code: failure.code,
    message: failure.message,
    upstream_status: failure.upstreamStatus,
  });
}

/** Where a job waits: for a retry, for a time that a step asked for, or just for its turn. */
export function restingState(steps: StepRun[]): JobState {
  const waiting = steps.filter(({ state }) => state === "retrying");
  if (waiting.length === 0) return "available";
  return waiting.some(({ errors }) => errors.length > 0) ? "retryable" : "scheduled";
}

/** When the first of the open steps is due, in ms since 1970. */
export function nextDue(steps: StepRun[], now: number): number {
  const due = steps.filter((step) => !isEnded(step))
    .map((step) => step.retry_at ? Date.parse(step.retry_at) : now);
  return Math.min(...due);
}

import { v7 } from "uuid";

/** Time as Imago sees it; tests bring their own. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `run` once after `ms`; the returned function cancels it. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** RFC 3339 in UTC. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** Makes UUIDv7 ids that grow strictly, also within a millisecond and when the clock steps back. */
export function createIds(clock: Clock): () => string {
  let last = 0;
  let sequence = 0;
  return () => {
    const msecs = Math.max(clock.now(), last);
    sequence = msecs === last ? sequence + 1 : Math.floor(Math.random() * 2 ** 30);
    last = msecs;
    return v7({ msecs, seq: sequence });
  };
}

/** A UUIDv7 of another moment than now. */
export function idAt(ms: number): string {
  return v7({ msecs: ms });
}

/**
 * An abort signal that fires after `ms` of the clock, or with `parent`. Call `cancel` when the work
 * has ended, so that no timer is left behind.
 */
export function deadline(clock: Clock, ms: number, parent: AbortSignal) {
  const controller = new AbortController();
  const cancel = clock.after(
    ms,
    () => controller.abort(new DOMException("Too late", "TimeoutError")),
  );
  return {
    signal: AbortSignal.any([controller.signal, parent]),
    expired: controller.signal,
    cancel,
  };
}

import type { Clock } from "./clock.ts";
import type { Database } from "./kv.ts";
import type { Locks } from "./locks.ts";
import { tables } from "./tables.ts";

const WINDOW_MS = 60_000;
/** Subjects of a policy that are counted at once; beyond them the first ones are forgotten. */
const MAX_SUBJECTS = 50_000;
/** With several processes each takes its share in pieces of this part of the limit. */
const PIECE = 1 / 100;

/** Names of what is limited; the limits are requests a minute. */
export type Limits = Record<"default" | "v1" | "ingest" | "stranger" | "login", number>;
export type PolicyName = keyof Limits;

/** Where a caller stands with one policy, for the RateLimit fields. */
export type Standing = {
  policy: PolicyName;
  allowed: boolean;
  limit: number;
  /** What is left of the limit in this minute. */
  remaining: number;
  /** Seconds until the next minute begins. */
  reset: number;
};

type Deps = {
  db: Database;
  clock: Clock;
  locks: Locks;
  /** Milliseconds that only grow, from any origin. */
  ticks: () => number;
  /** No other process counts: memory is enough. */
  exclusive: boolean;
  limits: Limits;
};

/** What this process may still let pass of one subject in one minute. */
type Bucket = {
  used: number;
  /** What this process has taken of the limit. */
  granted: number;
  /** What was left for all processes after that. */
  left: number;
};

/**
 * Counts requests in fixed minutes. In one process the count is exact, in memory, and on a clock
 * that nobody can set. With several processes each takes pieces of a shared count from the database:
 * together they never let more pass than the limit, and each may leave up to 1 % of it unused.
 */
export function createRateLimits({ db, clock, locks, ticks, exclusive, limits }: Deps) {
  const local = createWindows(ticks);
  const shared = createWindows(clock.now);

  /** Takes a piece of the limit for this process, unless another call just did. */
  const reserve = (name: string[], limit: number, bucket: Bucket, window: number) =>
    locks.run(`rate:${name.join("\0")}`, async () => {
      if (bucket.used < bucket.granted || bucket.left === 0) return;
      const [policy = "", subject = ""] = name;
      const place = tables.rateWindows.key(policy, subject, window);
      const { piece, left } = await db.transact(async (tx) => {
        const taken = await tx.get(place) ?? 0;
        const piece = Math.max(0, Math.min(Math.ceil(limit * PIECE), limit - taken));
        if (piece > 0) tx.set(place, taken + piece);
        return { piece, left: Math.max(0, limit - taken - piece) };
      });
      bucket.granted += piece;
      bucket.left = piece > 0 ? left : 0;
    });

  const takeShared = async (policy: PolicyName, subject: string, limit: number) => {
    const { bucket, window } = shared.open(policy, subject);
    while (bucket.used >= bucket.granted && bucket.left > 0) {
      await reserve([policy, subject], limit, bucket, window);
    }
    const allowed = bucket.used < bucket.granted;
    if (allowed) bucket.used++;
    const left = Math.min(limit, bucket.granted - bucket.used + bucket.left);
    return standing(policy, allowed, limit, left, shared.reset());
  };

  const takeLocal = (policy: PolicyName, subject: string, limit: number) => {
    const { bucket } = local.open(policy, subject);
    const allowed = bucket.used < limit;
    if (allowed) bucket.used++;
    return standing(policy, allowed, limit, limit - bucket.used, local.reset());
  };

  return {
    /** Counts one request; `limit` is the subject's own, where it has one. */
    async take(policy: PolicyName, subject: string, limit = limits[policy]): Promise<Standing> {
      return exclusive
        ? takeLocal(policy, subject, limit)
        : await takeShared(policy, subject, limit);
    },

    /** Takes back one that was counted in this minute. */
    giveBack(policy: PolicyName, subject: string) {
      const { bucket } = (exclusive ? local : shared).open(policy, subject);
      if (bucket.used > 0) bucket.used--;
    },

    /**
     * Counts a try of somebody unknown, by address. In memory even with several processes: a guess
     * must not cost a write. `giveBack` when it turns out to be somebody known.
     */
    try(address: string): Standing & { giveBack: () => void } {
      const taken = takeLocal("stranger", address, limits.stranger);
      const { bucket } = local.open("stranger", address);
      return {
        ...taken,
        giveBack: () => {
          if (taken.allowed && bucket.used > 0) bucket.used--;
        },
      };
    },
  };
}

export type RateLimits = ReturnType<typeof createRateLimits>;

/** The buckets of the current minute. They all end with it, so memory is bounded by one minute's subjects. */
function createWindows(now: () => number) {
  const buckets = new Map<PolicyName, Map<string, Bucket>>();
  let window = -Infinity;
  return {
    open(policy: PolicyName, subject: string) {
      const current = Math.floor(now() / WINDOW_MS);
      // A clock that is set back does not open an earlier minute again.
      if (current > window) {
        window = current;
        buckets.clear();
      }
      const subjects = buckets.get(policy) ?? new Map<string, Bucket>();
      buckets.set(policy, subjects);
      const bucket = subjects.get(subject) ?? { used: 0, granted: 0, left: Infinity };
      if (!subjects.has(subject) && subjects.size >= MAX_SUBJECTS) {
        subjects.delete(subjects.keys().next().value!);
      }
      subjects.set(subject, bucket);
      return { bucket, window };
    },
    /** Seconds until the minute ends. */
    reset(): number {
      const ms = (window + 1) * WINDOW_MS - now();
      return Math.min(WINDOW_MS / 1000, Math.max(1, Math.ceil(ms / 1000)));
    },
  };
}

function standing(
  policy: PolicyName,
  allowed: boolean,
  limit: number,
  remaining: number,
  reset: number,
): Standing {
  return { policy, allowed, limit, remaining: Math.max(0, remaining), reset };
}

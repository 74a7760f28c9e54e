import { getLogger } from "@logtape/logtape";
import type { Clock } from "../lib/clock.ts";
import { type Jobs, LEASE_MS, LostLease, type Waiting } from "../lib/jobs.ts";
import type { Plan } from "../lib/model/tenant.ts";
import type { Claimed } from "./attempt.ts";
import type { Runner } from "./run.ts";

const log = getLogger(["imago", "scheduler"]);

/** The sweep looks for what no bell announced, and for dead owners, this often. */
const SWEEP_MS = 5_000;
/** Every so many claims, standard tenants go first: premium cannot starve them. */
const STANDARD_SHARE = 4;

/** So many tenants with waiting work are compared before each claim. */
const TENANTS_COMPARED = 50;
/** After this time, work that was done for a tenant counts half. */
const HALF_LIFE_MS = 10_000;

type Deps = {
  jobs: Jobs;
  clock: Clock;
  /** This process, in leases. */
  owner: string;
  maxJobs: number;
  runner: Runner;
  /** Frees what dead owners held. */
  rescue: (owner: string) => Promise<void>;
};

/** Decides who goes next and how many at once: ready → claim → run → settle. */
export function createScheduler({ jobs, clock, owner, maxJobs, runner, rescue }: Deps) {
  const running = new Map<string, { tenant: string; done: Promise<void> }>();
  /** Where the next round among the tenants of a plan begins. */
  const lastServed: Record<Plan, string> = { premium: "", standard: "" };
  const served = createTally(clock);
  const stop = new AbortController();
  let started = false;
  let claims = 0;
  let looking: Promise<void> | null = null;
  let again = false;
  let cancelSweep = () => {};
  let cancelAlarm = () => {};

  const perTenant = Math.max(1, maxJobs - 2);
  const held = (tenant: string) =>
    [...running.values()].filter((job) => job.tenant === tenant).length;

  /** Something may be ready: look, unless a look is under way, which then looks once more. */
  const poke = () => {
    if (!started || stop.signal.aborted) return;
    if (looking) return void (again = true);
    looking = look().catch((error) => log.error("Cannot claim work: {error}", { error }))
      .finally(() => {
        looking = null;
        if (again) {
          again = false;
          poke();
        }
      });
  };

  const look = async () => {
    let earliest = Infinity;
    while (running.size < maxJobs && !stop.signal.aborted) {
      const { claimed, due } = await claimNext();
      earliest = Math.min(earliest, due);
      if (!claimed) break;
      launch(claimed);
    }
    wakeAt(earliest);
  };

  const claimNext = async (): Promise<{ claimed: Claimed | null; due: number }> => {
    const plans: Plan[] = ["premium", "standard"];
    if (claims % STANDARD_SHARE === STANDARD_SHARE - 1) plans.reverse();
    let due = Infinity;
    for (const plan of plans) {
      let next = await leastServed(plan);
      while (next.waiting) {
        const claimed = await runner.claim(next.waiting, owner);
        if (claimed) {
          lastServed[plan] = next.waiting.tenant;
          served.add(next.waiting.tenant);
          claims++;
          return { claimed, due: Math.min(due, next.due) };
        }
        next = await leastServed(plan);
      }
      due = Math.min(due, next.due);
    }
    return { claimed: null, due };
  };

  /**
   * The first due job of the tenant that was served least of late: a few images of one go before the
   * thousands of another, and who sends much gets the rest. Also when the first job falls due that
   * is not yet.
   */
  const leastServed = async (plan: Plan) => {
    let waiting: Waiting | null = null;
    let due = Infinity;
    let tenants = 0;
    for await (const head of jobs.waiting(plan, lastServed[plan])) {
      if (head.runAt > clock.now()) {
        due = Math.min(due, head.runAt);
      } else if (held(head.tenant) < perTenant) {
        if (!waiting || served.of(head.tenant) < served.of(waiting.tenant)) waiting = head;
        if (++tenants === TENANTS_COMPARED) break;
      }
    }
    return { waiting, due };
  };

  const launch = (claimed: Claimed) => {
    const { job } = claimed;
    const lost = new AbortController();
    const signal = AbortSignal.any([stop.signal, lost.signal]);
    let cancelRenewal = () => {};
    const renewLater = () => {
      cancelRenewal = clock.after(LEASE_MS / 3, () => {
        jobs.renew(job, owner).then(renewLater, (error) => lost.abort(error));
      });
    };
    renewLater();
    const done = runner.run(claimed, signal)
      .catch((error) => {
        if (error instanceof LostLease) log.warn("Lost a job: {error}", { error });
        else log.error("Cannot settle job {job}: {error}", { job: job.id, error });
      })
      .finally(() => {
        cancelRenewal();
        running.delete(job.id);
        poke();
      });
    running.set(job.id, { tenant: job.tenant, done });
  };

  const wakeAt = (due: number) => {
    cancelAlarm();
    if (due < Infinity) cancelAlarm = clock.after(Math.max(0, due - clock.now()), poke);
  };

  const sweepLater = () => {
    cancelSweep = clock.after(SWEEP_MS, () => {
      rescue(owner)
        .catch((error) => log.error("Cannot sweep: {error}", { error }))
        .finally(() => {
          poke();
          if (!stop.signal.aborted) sweepLater();
        });
    });
  };

  return {
    poke,

    /** Frees what an earlier start left, then works until `stop`. */
    async start() {
      await rescue(owner);
      started = true;
      sweepLater();
      poke();
    },

    /** Claims nothing more, and releases what runs for the next process to take up. */
    async stop() {
      stop.abort();
      cancelSweep();
      cancelAlarm();
      await looking;
      await Promise.all([...running.values()].map(({ done }) => done));
    },

    /** Resolves when nothing runs and nothing is due: for tests. */
    async idle() {
      while (looking || running.size) {
        await (looking ?? Promise.race([...running.values()].map(({ done }) => done)));
      }
    },

    /** Jobs that run in this process. */
    get running() {
      return running.size;
    },
  };
}

export type Scheduler = ReturnType<typeof createScheduler>;

/** Counts that fade, by name; what has faded away is forgotten. */
function createTally(clock: Clock) {
  const counts = new Map<string, { count: number; at: number }>();
  const faded = ({ count, at }: { count: number; at: number }) =>
    count * 0.5 ** ((clock.now() - at) / HALF_LIFE_MS);
  const of = (name: string) => {
    const entry = counts.get(name);
    return entry ? faded(entry) : 0;
  };
  return {
    of,
    add(name: string) {
      counts.set(name, { count: of(name) + 1, at: clock.now() });
      if (counts.size <= 1_000) return;
      for (const [name, entry] of counts) if (faded(entry) < 0.5) counts.delete(name);
    },
  };
}

import { type Clock, timestamp } from "./clock.ts";
import { type Database, newestFirst, newestKeys, type Transaction } from "./kv.ts";
import { Problem } from "./errors.ts";
import type { DeadLetter, Job, JobState, Lease } from "./model/job.ts";
import type { Plan } from "./model/tenant.ts";
import { giveUp, isEnded, newStep, nextDue, restingState, type StepFailure } from "./step_runs.ts";
import { tables } from "./tables.ts";
import { traceparent } from "./tracing.ts";

/** A claim lasts so long without being renewed. */
export const LEASE_MS = 30_000;
/** A job that took so many whole processes down with it is given up. */
export const MAX_RESCUES = 20;

const DAY = 24 * 60 * 60 * 1000;
/** How long the record of ended work stays readable. */
const KEEP_MS = { completed: 7 * DAY, cancelled: 7 * DAY, discarded: 30 * DAY };

type Deps = {
  db: Database;
  clock: Clock;
  newId: () => string;
  /** Rings the doorbell of those who work, once `tx` is committed. */
  ring: (tx: Transaction, job: Job) => void;
  /** Told of each step that gave up, for metrics. */
  onBuried?: (step: string) => void;
};

/** A job that waits, as the ready index tells it. */
export type Waiting = { plan: Plan; tenant: string; runAt: number; id: string };

/** The claim was taken over by somebody else, or its job is gone: whatever this run still has is void. */
export class LostLease extends Error {
  override readonly name = "LostLease";
}

/** Work that outlives the process. The only code that writes job records. */
export function createJobs({ db, clock, newId, ring, onBuried = () => {} }: Deps) {
  const readyKey = (job: Job) =>
    tables.jobsReady.key(job.plan, job.tenant, Date.parse(job.run_at), job.id);

  /** Writes a job and its place in the lists by state; `expireIn` (ms) is for ended ones. */
  const write = async (tx: Transaction, job: Job, expireIn?: number) => {
    const key = tables.jobs.key(job.tenant, job.id);
    const before = await tx.get(key);
    if (before && before.state !== job.state) {
      tx.delete(tables.jobsByState.key(job.tenant, before.state, job.id));
    }
    tx.set(tables.jobsByState.key(job.tenant, job.state, job.id), true, { expireIn });
    tx.set(key, job, { expireIn });
  };

  const makeReady = (tx: Transaction, job: Job, runAt: number, state: Job["state"]) => {
    job.state = state;
    job.run_at = timestamp(runAt);
    tx.set(readyKey(job), true);
  };

  const lease = (tx: Transaction, job: Job, owner: string) =>
    tx.set(tables.jobsRunning.key(job.tenant, job.id), {
      owner,
      fence: job.fence,
      expires_at: timestamp(clock.now() + LEASE_MS),
    });

  return {
    /** Submits work within the transaction of what needs it. */
    async add(
      tx: Transaction,
      given: { tenant: string; plan: Plan; subject: string; steps: string[]; fresh?: boolean },
    ): Promise<Job> {
      const now = clock.now();
      const job: Job = {
        id: newId(),
        tenant: given.tenant,
        kind: "image",
        subject: given.subject,
        plan: given.plan,
        state: "available",
        steps: Object.fromEntries(given.steps.map((name) => [name, newStep()])),
        fresh: given.fresh ?? false,
        fence: 0,
        rescues: 0,
        run_at: timestamp(now),
        created_at: timestamp(now),
        finished_at: null,
        traceparent: traceparent(),
      };
      makeReady(tx, job, now, "available");
      await write(tx, job);
      ring(tx, job);
      return job;
    },

    /**
     * The first waiting job of each tenant with this plan, starting behind tenant `after` and
     * coming round to it: the order that lets no tenant wait for all of another's work.
     */
    async *waiting(plan: Plan, after = ""): AsyncGenerator<Waiting> {
      // "\0" behind a name sorts after every key that begins with that name.
      let [from, until, round] = [`${after}\0`, null as string | null, 1];
      while (round <= 2) {
        const head = await firstReady(db, plan, from, until);
        if (head) {
          yield head;
          from = `${head.tenant}\0`;
        } else {
          [from, until, round] = ["", `${after}\0`, round + 1];
        }
      }
    },

    /** Takes a waiting job within `tx`, to be saved there; null when somebody else did. */
    async claim(tx: Transaction, waiting: Waiting, owner: string): Promise<Job | null> {
      const ready = tables.jobsReady.key(waiting.plan, waiting.tenant, waiting.runAt, waiting.id);
      const key = tables.jobs.key(waiting.tenant, waiting.id);
      const [isReady, job] = await Promise.all([tx.get(ready), tx.get(key)]);
      if (!isReady) return null;
      tx.delete(ready);
      if (!job) return null;
      const claimed: Job = { ...structuredClone(job), state: "running", fence: job.fence + 1 };
      lease(tx, claimed, owner);
      return claimed;
    },

    /** Puts a job that was just claimed back within `tx`, to be looked at again after `ms`. */
    async postpone(tx: Transaction, job: Job, ms: number): Promise<void> {
      tx.delete(tables.jobsRunning.key(job.tenant, job.id));
      makeReady(tx, job, clock.now() + ms, "scheduled");
      await write(tx, job);
    },

    /** Checks within `tx` that a claim still holds. Throws `LostLease` when it does not. */
    async hold(tx: Transaction, job: Job): Promise<void> {
      const current = await tx.get(tables.jobs.key(job.tenant, job.id));
      if (current?.state !== "running" || current.fence !== job.fence) {
        throw new LostLease(`job ${job.id} was taken over`);
      }
    },

    /** Extends a claim. Throws `LostLease` when it no longer holds. */
    renew(job: Job, owner: string): Promise<void> {
      return db.transact(async (tx) => {
        await this.hold(tx, job);
        lease(tx, job, owner);
      });
    },

    /**
     * Saves a held job within `tx`. Once no step runs any more the job comes to rest: ended, or
     * waiting for its next try.
     */
    async save(tx: Transaction, job: Job): Promise<void> {
      const steps = Object.values(job.steps);
      if (steps.some(({ state }) => state === "running")) return await write(tx, job);
      tx.delete(tables.jobsRunning.key(job.tenant, job.id));
      if (steps.every(isEnded)) {
        const ended = steps.some(({ state }) => state === "failed") ? "discarded" : "completed";
        job.state = ended;
        job.finished_at = timestamp(clock.now());
        return await write(tx, job, KEEP_MS[ended]);
      }
      makeReady(tx, job, nextDue(steps, clock.now()), restingState(steps));
      await write(tx, job);
    },

    /** Withdraws a job that is not wanted any more, waiting or running, within `tx`. */
    async cancel(tx: Transaction, tenant: string, id: string): Promise<void> {
      const key = tables.jobs.key(tenant, id);
      const job = await tx.get(key);
      if (!job || job.finished_at) return;
      tx.delete(readyKey(job));
      tx.delete(tables.jobsRunning.key(tenant, id));
      const cancelled: Job = { ...job, state: "cancelled", finished_at: timestamp(clock.now()) };
      await write(tx, cancelled, KEEP_MS.cancelled);
    },

    /** One job, or a `not_found` problem. */
    async get(tenant: string, id: string): Promise<Job> {
      const job = await db.get(tables.jobs.key(tenant, id));
      if (!job) throw new Problem("not_found", `Cannot find job "${id}"`);
      return job;
    },

    /** A page of jobs, newest first, of one state or of all; `before` is the last id of the page before. */
    async list(
      tenant: string,
      state: JobState | null,
      limit: number,
      before?: string,
    ): Promise<Job[]> {
      if (state === null) {
        return await newestFirst<Job>(db, tables.jobs.prefix(tenant), limit, before);
      }
      const prefix = tables.jobsByState.prefix(tenant, state);
      const ids = await newestKeys(db, prefix, limit, before);
      const found = await Promise.all(ids.map((id) => db.get(tables.jobs.key(tenant, id))));
      return found.filter((job) => job !== null);
    },

    /** A page of dead letters, newest first. */
    letters(tenant: string, limit: number, before?: string): Promise<DeadLetter[]> {
      return newestFirst(db, tables.deadLetters.prefix(tenant), limit, before);
    },

    /** One dead letter, or a `not_found` problem. */
    async letter(tenant: string, id: string): Promise<DeadLetter> {
      const letter = await db.get(tables.deadLetters.key(tenant, id));
      if (!letter) throw new Problem("not_found", `Cannot find dead letter "${id}"`);
      return letter;
    },

    /** Claims whose lease ran out, or that an owner other than `owner` holds when `othersAreDead`. */
    async *abandoned(owner: string, othersAreDead: boolean): AsyncGenerator<Deno.KvKey> {
      for await (const { key, value } of db.list<Lease>({ prefix: tables.jobsRunning.prefix() })) {
        const dead = othersAreDead && value.owner !== owner;
        if (dead || Date.parse(value.expires_at) <= clock.now()) yield key;
      }
    },

    /**
     * Frees an abandoned job within `tx`, for somebody else to claim. What it was in the middle of
     * starts again, without having spent a try. After {@link MAX_RESCUES} its open steps fail.
     */
    async rescue(tx: Transaction, key: Deno.KvKey): Promise<Job | null> {
      const [, tenant, id] = key as [string, string, string];
      const lease = await tx.get(tables.jobsRunning.key(tenant, id));
      const stored = await tx.get(tables.jobs.key(tenant, id));
      if (!lease) return null;
      if (!stored || stored.state !== "running") {
        tx.delete(key);
        return null;
      }
      const job: Job = { ...structuredClone(stored), rescues: stored.rescues + 1 };
      for (const [name, step] of Object.entries(job.steps)) {
        if (step.state === "running") step.state = "pending";
        if (job.rescues >= MAX_RESCUES && !isEnded(step)) {
          giveUp(step, clock.now(), TOO_MANY_RESCUES);
          this.bury(tx, job, name);
        }
      }
      await this.save(tx, job);
      return job;
    },

    /** Keeps the history of a step that used up its tries. */
    bury(tx: Transaction, job: Job, step: string): DeadLetter {
      const letter: DeadLetter = {
        id: newId(),
        tenant: job.tenant,
        job_id: job.id,
        image_id: job.subject,
        step,
        errors: job.steps[step]!.errors,
        failed_at: timestamp(clock.now()),
      };
      tx.set(tables.deadLetters.key(job.tenant, letter.id), letter);
      tx.set(tables.deadLettersByStep.key(job.tenant, job.subject, step), letter.id);
      tx.afterCommit(() => onBuried(step));
      return letter;
    },

    /** Forgets the dead letter of a step, if it has one: it is tried anew, or its image goes. */
    async unbury(tx: Transaction, tenant: string, image: string, step: string): Promise<void> {
      const index = tables.deadLettersByStep.key(tenant, image, step);
      const id = await tx.get(index);
      if (!id) return;
      tx.delete(index);
      tx.delete(tables.deadLetters.key(tenant, id));
    },
  };
}

export type Jobs = ReturnType<typeof createJobs>;

const TOO_MANY_RESCUES: StepFailure = {
  code: "rescued_too_often",
  message: `The process ended ${MAX_RESCUES} times while this step ran`,
  upstreamStatus: null,
  final: true,
};

async function firstReady(db: Database, plan: Plan, from: string, until: string | null) {
  const prefix = tables.jobsReady.prefix(plan);
  const selector: Deno.KvListSelector = until === null
    ? { prefix, start: [...prefix, from] }
    : { start: [...prefix, from], end: [...prefix, until] };
  for await (const { key } of db.list(selector, { limit: 1 })) {
    const [, , tenant, runAt, id] = key as [string, Plan, string, number, string];
    return { plan, tenant, runAt, id };
  }
  return null;
}

import { type Clock, timestamp } from "../lib/clock.ts";
import { type Images, objectsOf } from "../lib/images.ts";
import { type Jobs, LostLease, type Waiting } from "../lib/jobs.ts";
import { conclude, isDue, isEnded, newStep } from "../lib/step_runs.ts";
import type { Database } from "../lib/kv.ts";
import { withLogContext } from "../lib/logging.ts";
import type { ImageRow } from "../lib/model/image.ts";
import type { Job, StepRun } from "../lib/model/job.ts";
import type { Tenant } from "../lib/model/tenant.ts";
import type { Storage } from "../lib/storage/storage.ts";
import { tables } from "../lib/tables.ts";
import { traced } from "../lib/tracing.ts";
import type { Attempt, Claimed } from "./attempt.ts";
import type { Step } from "./step.ts";

/** The work of a deactivated tenant waits; whether it is active again is looked at this often. */
const INACTIVE_MS = 60_000;

type Deps = {
  db: Database;
  storage: Storage;
  clock: Clock;
  jobs: Jobs;
  images: Images;
  steps: readonly Step[];
  /** Tries of a step before it becomes a dead letter. */
  maxTries: number;
  tools: Omit<Parameters<NonNullable<Step["off"]>>[0], "tenant">;
  attempt: (step: Step, claimed: Claimed, stop: AbortSignal) => Promise<Attempt>;
};

/** Claims jobs and works them: starts the steps that are due, commits each result as it comes. */
export function createRunner(deps: Deps) {
  const { db, storage, clock, jobs, images, steps, maxTries, attempt, tools } = deps;

  /** Marks as running what is due and has what it needs, and as skipped what can never have it. */
  const start = (job: Job, image: ImageRow, tenant: Tenant) => {
    const skip = (run: StepRun, reason: string) =>
      conclude(run, { kind: "skipped", reason }, clock.now(), maxTries);
    for (const { name, needs, off } of steps) {
      const run = job.steps[name];
      if (!run || !isDue(run, clock.now())) continue;
      const reason = off?.({ ...tools, tenant });
      if (reason) {
        skip(run, reason);
      } else if (!needs || image.renditions[needs]) {
        run.state = "running";
        run.started_at ??= timestamp(clock.now());
      } else if (job.steps.renditions && isEnded(job.steps.renditions)) {
        skip(run, `There is no ${needs} of the picture`);
      }
    }
  };

  /** A preview is made only where somebody looks at it; who comes to look later has it made then. */
  const includeMaker = (job: Job, image: ImageRow) => {
    const lacks = steps.some(({ name, needs }) =>
      job.steps[name] && needs && !image.renditions[needs]
    );
    if (lacks) job.steps.renditions ??= newStep();
  };

  /** Commits where the job stands and what was learned. Throws `LostLease` when it is not ours. */
  const commit = async ({ job, image, tenant }: Claimed, ended: Attempt[]): Promise<Claimed> => {
    const patches = ended.map(({ patch }) => patch);
    const made = patches.flatMap(({ renditions }) => Object.values(renditions ?? {}));
    try {
      const after = await db.transact(async (tx) => {
        await jobs.hold(tx, job);
        for (const { step } of ended) {
          if (job.steps[step]?.state === "failed") jobs.bury(tx, job, step);
        }
        await jobs.save(tx, job);
        return await images.record(tx, job, patches);
      });
      if (!after) throw new LostLease(`image ${job.subject} is gone`);
      const kept = new Set(objectsOf(after));
      await discard(objectsOf(image).filter((key) => !kept.has(key)));
      return { job, image: after, tenant };
    } catch (error) {
      if (error instanceof LostLease) await discard(made.map(({ key }) => key));
      throw error;
    }
  };

  const discard = (keys: string[]) => Promise.all(keys.map((key) => storage.delete(key)));

  return {
    /** Takes a waiting job and starts its steps on paper; null when there is nothing to take. */
    async claim(waiting: Waiting, owner: string): Promise<Claimed | null> {
      const startTime = Date.now();
      const claimed = await db.transact(async (tx) => {
        const job = await jobs.claim(tx, waiting, owner);
        if (!job) return null;
        const [image, tenant] = await Promise.all([
          tx.get(tables.images.key(job.tenant, job.subject)),
          tx.get(tables.tenants.key(job.tenant)),
        ]);
        if (!image || image.job !== job.id || !tenant) {
          await jobs.cancel(tx, job.tenant, job.id);
          return null;
        }
        if (!tenant.active) {
          await jobs.postpone(tx, job, INACTIVE_MS);
          return null;
        }
        includeMaker(job, image);
        start(job, image, tenant);
        await jobs.save(tx, job);
        await images.record(tx, job);
        return { job, image, tenant };
      });
      const parent = claimed?.job.traceparent;
      return await traced("claim", { startTime, parent }, () => Promise.resolve(claimed));
    },

    /** Works a claimed job until nothing of it runs. Aborting `stop` interrupts its steps. */
    run(claimed: Claimed, stop: AbortSignal): Promise<void> {
      const { id, tenant, subject, traceparent } = claimed.job;
      const attributes = { "imago.job": id, "imago.image": subject, "imago.tenant": tenant };
      return withLogContext(
        { tenant, job: id, image: subject },
        () => traced("job", { attributes, parent: traceparent }, () => work(claimed, stop)),
      );
    },
  };

  async function tryOnce(step: Step, claimed: Claimed, stop: AbortSignal, ended: Attempt[]) {
    const attributes = { "imago.step": step.name };
    await traced(`step ${step.name}`, { attributes }, async (span) => {
      const result = await attempt(step, claimed, stop);
      span.setAttribute("imago.outcome", result.outcome.kind);
      ended.push(result);
    });
  }

  async function work(claimed: Claimed, stop: AbortSignal): Promise<void> {
    const { job } = claimed;
    const running = new Map<string, Promise<void>>();
    const ended: Attempt[] = [];
    const launch = () => {
      for (const step of steps) {
        if (job.steps[step.name]?.state !== "running" || running.has(step.name)) continue;
        running.set(step.name, tryOnce(step, claimed, stop, ended));
      }
    };
    launch();
    while (running.size) {
      await Promise.race(running.values());
      const batch = ended.splice(0);
      for (const { step, outcome } of batch) {
        running.delete(step);
        conclude(job.steps[step]!, outcome, clock.now(), maxTries);
      }
      const renditions = Object.assign({}, ...batch.map(({ patch }) => patch.renditions));
      const image = { ...claimed.image, ...(Object.keys(renditions).length && { renditions }) };
      if (!stop.aborted) start(job, image, claimed.tenant);
      claimed = await traced("commit", {}, () => commit(claimed, batch));
      launch();
    }
  }
}

export type Runner = ReturnType<typeof createRunner>;

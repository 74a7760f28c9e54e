import { withLogContext } from "../lib/logging.ts";
import type { Services } from "../lib/services.ts";
import { createAttempts } from "./attempt.ts";
import { createDeliveryWorker } from "./deliveries/mod.ts";
import type { Doorbell } from "./doorbell.ts";
import { createRunner } from "./run.ts";
import { createScheduler } from "./scheduler.ts";
import type { Step } from "./step.ts";
import { createOrphanSweep } from "./upkeep/orphans.ts";
import { createRetentionSweep } from "./upkeep/retention.ts";
import { createRescue } from "./upkeep/rescue.ts";

/** Joins the parts of the pipeline into what works the queue of this process. */
export function createWorker(services: Services, doorbell: Doorbell, steps: readonly Step[]) {
  const { db, clock, storage, jobs, images, config, metrics, exclusive } = services;
  const attempt = createAttempts({
    ...services,
    steps,
    tools: services,
    observe: (step, outcome, seconds) => metrics.steps.observe({ step, outcome }, seconds),
  });
  const runner = createRunner({
    db,
    storage,
    clock,
    jobs,
    images,
    steps,
    maxTries: config.WORKER_MAX_TRIES,
    attempt,
    tools: services,
  });
  const scheduler = createScheduler({
    jobs,
    clock,
    owner: crypto.randomUUID(),
    maxJobs: config.WORKER_MAX_JOBS,
    runner,
    rescue: createRescue({ db, jobs, images, exclusive }),
  });
  const orphans = createOrphanSweep({ db, storage, clock, exclusive });
  const retention = createRetentionSweep(services);
  const deliveries = createDeliveryWorker({
    ...services,
    observe: (outcome, seconds) => metrics.webhooks.observe({ outcome }, seconds),
  });
  services.worker.running = () => scheduler.running;

  return {
    scheduler,
    orphans,
    retention,
    deliveries,
    async start() {
      // What follows from a ring is no longer part of the request that rang.
      doorbell.listen(() => withLogContext({}, scheduler.poke));
      await scheduler.start();
      orphans.start();
      retention.start();
      deliveries.start();
    },
    async stop() {
      orphans.stop();
      retention.stop();
      await Promise.all([deliveries.stop(), scheduler.stop()]);
    },
  };
}

export type Worker = ReturnType<typeof createWorker>;

import { getLogger } from "@logtape/logtape";
import { type Clock, deadline } from "../lib/clock.ts";
import { Problem, type ProblemCode } from "../lib/errors.ts";
import type { Rendition } from "../lib/imaging/imaging.ts";
import type { Images, Patch } from "../lib/images.ts";
import type { StepFailure, StepOutcome } from "../lib/step_runs.ts";
import type { ImageRow, RenditionName } from "../lib/model/image.ts";
import type { Job } from "../lib/model/job.ts";
import type { Tenant } from "../lib/model/tenant.ts";
import type { Storage } from "../lib/storage/storage.ts";
import { Discard, type Learned, Skip, Snooze, type Step, type StepContext } from "./step.ts";

const log = getLogger(["imago", "pipeline"]);

/** How long a step waits when what it needs is away and does not say for how long. */
const AWAY_MS = 10_000;
/** An answer is shared by equal pictures for so long, until the record of the first one has it. */
const UNCOMMITTED_MS = 60_000;
/** Problems that pass when somebody else has done something: no try is spent on them. */
const AWAY = new Set<ProblemCode>(["ai_unavailable", "unavailable", "storage_full"]);

export type Deps = {
  clock: Clock;
  storage: Storage;
  images: Images;
  steps: readonly Step[];
  /** What steps have at hand, whatever the image. */
  tools: Pick<StepContext, "imaging" | "ocr" | "ai" | "aiReason" | "budgets">;
  /** Told how each try ended, for metrics. */
  observe: (step: string, outcome: StepOutcome["kind"], seconds: number) => void;
};

/** A job that this process holds, with what it is about. */
export type Claimed = { job: Job; image: ImageRow; tenant: Tenant };

/** How one try of a step ended. The bytes it made are stored, what it learned is not yet committed. */
export type Attempt = { step: string; outcome: StepOutcome; patch: Patch };

/** Makes single tries of steps. */
export function createAttempts({ clock, storage, images, steps, tools, observe }: Deps) {
  /** What equal pictures of a tenant are being, or have just been, asked. */
  const flights = new Map<string, Promise<Learned | Skip>>();

  /** Equal pictures share one answer: of a twin, of a try under way, or of one not yet committed. */
  const learn = async (step: Step, fresh: boolean, context: StepContext) => {
    const { image } = context;
    if (fresh || !step.reuse) return await step.run(context);
    const key = `${image.tenant}/${image.sha256}/${step.name}`;
    for (let flight; (flight = flights.get(key));) {
      const [shared] = await Promise.allSettled([flight]);
      if (shared.status === "fulfilled") return shared.value;
      // Its failure is its own; whoever is first now tries for the others.
      if (flights.get(key) === flight) flights.delete(key);
    }
    const flight = reuseOrRun(step, context);
    flights.set(key, flight);
    clock.after(UNCOMMITTED_MS, () => {
      if (flights.get(key) === flight) flights.delete(key);
    });
    return await flight;
  };

  const reuseOrRun = async (step: Step, context: StepContext) => {
    for await (const twin of images.twins(context.image)) {
      const known = await step.reuse?.(twin, () => images.text(twin.tenant, twin.id));
      if (known) return known;
    }
    return await step.run(context);
  };

  /** Renditions get names of this claim, so that a claim that was lost overwrites nothing. */
  const store = async (job: Job, { renditions, ...patch }: Learned): Promise<Patch> => {
    if (!renditions) return patch;
    const put = async ([name, { bytes, width, height }]: [string, Rendition]) => {
      const key = `${job.tenant}/${job.subject}/${job.id}-${job.fence}-${name}.jpg`;
      await storage.put(key, bytes);
      return [name, { key, width, height, size_bytes: bytes.length }] as const;
    };
    const puts = Object.entries(renditions).map(put);
    try {
      return { ...patch, renditions: Object.fromEntries(await Promise.all(puts)) };
    } catch (error) {
      // The next try makes all of them anew, under other names.
      for (const made of await Promise.allSettled(puts)) {
        if (made.status === "fulfilled") await storage.delete(made.value[1].key);
      }
      throw error;
    }
  };

  /** Tries a step once. Never throws: whatever happens is an outcome. */
  return async function attempt(step: Step, claimed: Claimed, stop: AbortSignal): Promise<Attempt> {
    const { job, image, tenant } = claimed;
    const began = clock.now();
    const limit = deadline(clock, step.timeoutMs, stop);
    const work = async (): Promise<Attempt> => {
      const context: StepContext = {
        ...tools,
        image,
        tenant,
        open: (name) => openObject(storage, image, name),
        previewIsWanted: steps.some(({ needs, off }) =>
          needs === "preview" && !off?.({ ...tools, tenant })
        ),
        signal: limit.signal,
      };
      const learned = await learn(step, job.fresh, context);
      return learned instanceof Skip
        ? { step: step.name, outcome: { kind: "skipped", reason: learned.reason }, patch: {} }
        : { step: step.name, outcome: { kind: "done" }, patch: await store(job, learned) };
    };
    const ended = await Promise.race([work(), refusal(limit.signal)]).catch((error): Attempt => {
      const outcome = outcomeOf(error, step, stop, limit.expired);
      log.warn("Step {step} of image {image}: {kind}", {
        step: step.name,
        image: image.id,
        kind: outcome.kind,
        error,
      });
      return { step: step.name, outcome, patch: {} };
    });
    limit.cancel();
    observe(step.name, ended.outcome.kind, (clock.now() - began) / 1000);
    return ended;
  };
}

async function openObject(storage: Storage, image: ImageRow, name: "original" | RenditionName) {
  const key = name === "original" ? image.original : image.renditions[name]?.key;
  const object = key ? await storage.get(key) : null;
  if (!object) throw new Error(`the ${name} of image ${image.id} is not in storage`);
  return { stream: object.body, length: object.size };
}

/** Rejects when the signal aborts: a step that ignores its signal is left behind. */
function refusal(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function outcomeOf(
  error: unknown,
  step: Step,
  stop: AbortSignal,
  expired: AbortSignal,
): StepOutcome {
  if (stop.aborted) return { kind: "interrupted" };
  if (expired.aborted) return failed("timeout", `It took longer than ${step.timeoutMs / 1000} s`);
  if (error instanceof Snooze) return { kind: "snoozed", ms: error.ms, reason: error.message };
  if (error instanceof Discard) return failed(error.code, error.message, { final: true });
  if (error instanceof Problem && error.code === "budget_exceeded") {
    return { kind: "skipped", reason: "budget" };
  }
  if (!(error instanceof Problem)) return failed("internal", "Something went wrong on our side");
  const { retryAfter, retryable, upstreamStatus = null } = error.extras;
  const wait = retryAfter && retryAfter * 1000;
  // Nothing was tried: what the step needs is away, or its line is full.
  if (AWAY.has(error.code)) {
    return { kind: "snoozed", ms: wait ?? AWAY_MS, reason: error.detail };
  }
  const final = !(retryable ?? (error.status !== 415 && error.status !== 422));
  return failed(error.code, error.detail, { final, retryAfter: wait, upstreamStatus });
}

function failed(code: string, message: string, more: Partial<StepFailure> = {}): StepOutcome {
  return {
    kind: "failed",
    failure: { code, message, upstreamStatus: null, final: false, ...more },
  };
}

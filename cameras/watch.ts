import { getLogger } from "@logtape/logtape";
import type { CameraWatches, Seen } from "../lib/camera_watches.ts";
import type { Cameras } from "../lib/cameras.ts";
import { type Clock, timestamp } from "../lib/clock.ts";
import { Problem } from "../lib/errors.ts";
import type { Frames } from "../lib/frames.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { CameraRow } from "../lib/model/camera.ts";
import { Refusal } from "../lib/net/targets.ts";
import { createLook, type LookDeps } from "./look.ts";
import { backoff, pause } from "./patience.ts";
import type { Source } from "./sources/source.ts";

const log = getLogger(["imago", "cameras"]);

/** How often figures are written and the lease is renewed. */
export const NOTE_MS = 10_000;
/** A camera that sends nothing for so long, or for three of its pictures, is connected to anew. */
const SILENCE_MS = 15_000;
/** From connecting to the first picture. */
const FIRST_PICTURE_MS = 20_000;
/** A camera that refuses its password is not asked again before: some lock who tries too often. */
const REFUSED_MS = 5 * 60_000;
/** Who has sent pictures for so long begins anew with the shortest wait. */
const STEADY_MS = 10_000;

/** Why a connection ended, in a sentence for people; and how long to let the camera be, at least. */
type Failure = { error: string; waitMs?: number };

type Deps = LookDeps & {
  metrics: Pick<Metrics, "cameraFailures">;
  clock: Clock;
  cameras: Pick<Cameras, "address">;
  cameraWatches: CameraWatches;
  frames: Frames;
  source: Source;
  /** The lease of who watches, from now on. */
  lease: () => { owner: string; until_ms: number };
};

/**
 * Watches one camera until `signal` aborts or somebody else has it: connects, hands its pictures on,
 * and connects again, ever more patiently, when it fails.
 */
export async function watch(row: CameraRow, deps: Deps, signal: AbortSignal): Promise<void> {
  const { clock, cameras, cameraWatches, frames, lease } = deps;
  const lost = new AbortController();
  const ending = AbortSignal.any([signal, lost.signal]);
  const seen = createTally(clock);
  let notes: Promise<unknown> = Promise.resolve();

  /** One after the other, so that the last word is the latest. */
  const note = (turnTo?: Parameters<CameraWatches["note"]>[3]) => {
    notes = notes.then(async () => {
      if (!await cameraWatches.note(row, lease(), seen.take(), turnTo)) lost.abort();
    }).catch((error) => log.error("Cannot note how a camera does: {error}", { error }));
    return notes;
  };

  let activeSince: number | null = null;
  let trouble: string | null = null;
  const look = createLook(row, deps, {
    signal: ending,
    onTrouble(next) {
      trouble = next;
      if (activeSince !== null) void note({ status: "active", error: trouble });
    },
    onError: () => void seen.errors++,
  });

  /** One connection, from its beginning to its end; gives why it ended. */
  const session = async (): Promise<Failure> => {
    activeSince = null;
    const { signal: silence, heard, cancel } = watchdog(clock, row.fps);
    try {
      const url = await cameras.address(row);
      const options = { fps: row.fps, signal: AbortSignal.any([ending, silence]) };
      let due = 0;
      for await (const jpeg of deps.source(url, options)) {
        heard();
        // A stream may be faster than asked; a little early is on time.
        if (clock.now() < due) continue;
        due = clock.now() + 900 / row.fps;
        seen.count();
        if (activeSince === null) void note({ status: "active", error: trouble });
        activeSince ??= clock.now();
        look.see(frames.publish(row.tenant, row.id, jpeg));
      }
      return { error: "The camera ended the connection" };
    } catch (error) {
      if (silence.aborted) return { error: "The camera sends no pictures" };
      return failureOf(row, error);
    } finally {
      cancel();
    }
  };

  const stopNoting = every(clock, NOTE_MS, () => void note());
  try {
    for (let failures = 0; !ending.aborted;) {
      const { error, waitMs = 0 } = await session();
      if (ending.aborted) break;
      failures = wasSteady(activeSince, clock) ? 1 : failures + 1;
      activeSince = null;
      seen.errors++;
      deps.metrics.cameraFailures.inc();
      void note({ status: "error", error });
      await pause(clock, Math.max(waitMs, backoff(failures)), ending);
    }
  } finally {
    stopNoting();
    await look.end();
    frames.end(row.tenant, row.id);
    if (!lost.signal.aborted) await note();
  }
}

function wasSteady(activeSince: number | null, clock: Clock): boolean {
  return activeSince !== null && clock.now() - activeSince > STEADY_MS;
}

/** What is told of a failure: our own sentence; the rest is for the log. */
function failureOf({ id, tenant }: CameraRow, error: unknown): Failure {
  log.info("A camera failed: {error}", { camera: id, tenant, error });
  if (!(error instanceof Problem)) return { error: "The camera's connection broke off" };
  const { cause } = error.extras;
  if (!(cause instanceof Refusal) || cause.status !== 401) return { error: error.detail };
  return { error: "The camera refuses its user and password", waitMs: REFUSED_MS };
}

/** Aborts when nothing was heard for too long. */
function watchdog(clock: Clock, fps: number) {
  const controller = new AbortController();
  const bark = () => controller.abort();
  let cancel = clock.after(FIRST_PICTURE_MS, bark);
  return {
    signal: controller.signal,
    heard() {
      cancel();
      cancel = clock.after(Math.max(SILENCE_MS, 3_000 / fps), bark);
    },
    cancel: () => cancel(),
  };
}

/** What came since the last note. */
function createTally(clock: Clock) {
  let since = clock.now();
  let frames = 0;
  let last_frame_at: string | null = null;
  return {
    errors: 0,
    count() {
      frames++;
      last_frame_at = timestamp(clock.now());
    },
    take(): Seen {
      const { errors } = this;
      const seconds = Math.max(clock.now() - since, 1_000) / 1_000;
      const seen = { frames, errors, fps: round(frames / seconds), last_frame_at };
      since = clock.now();
      frames = this.errors = 0;
      return seen;
    },
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function every(clock: Clock, ms: number, run: () => void): () => void {
  let cancel = () => {};
  const arm = () => {
    cancel = clock.after(ms, () => {
      run();
      arm();
    });
  };
  arm();
  return () => cancel();
}

import { getLogger } from "@logtape/logtape";
import type { CameraFrames } from "../lib/camera_frames.ts";
import type { Clock } from "../lib/clock.ts";
import { Problem } from "../lib/errors.ts";
import type { Events } from "../lib/events.ts";
import type { Frame } from "../lib/frames.ts";
import type { Imaging, Pixels } from "../lib/imaging/imaging.ts";
import type { Metrics } from "../lib/metrics.ts";
import type { CameraRow } from "../lib/model/camera.ts";
import type { Box } from "../lib/model/event.ts";
import type { Detection, Detector } from "../lib/seeing/detector.ts";
import { areAlike, fingerprintOf } from "../lib/seeing/fingerprint.ts";
import { createMotion, MOTION_SIDE, type Movement } from "../lib/seeing/motion.ts";
import { describe, findingsOf, MOTION } from "../lib/seeing/rules.ts";
import { footOf, isIn, touch } from "../lib/seeing/zones.ts";
import type { Tenants } from "../lib/tenants.ts";

const log = getLogger(["imago", "cameras"]);

export type LookDeps = {
  clock: Clock;
  imaging: Pick<Imaging, "pixels">;
  events: Pick<Events, "create">;
  cameraFrames: Pick<CameraFrames, "keep" | "trim">;
  tenants: Pick<Tenants, "get">;
  metrics: Pick<Metrics, "cameraPictures">;
  /** Who names what is seen; null where there is none. */
  detectors: Record<"provider" | "model", Detector | null>;
};

/** What may go wrong, each by itself. */
type Part = "decoding" | "naming" | "keeping";

const WHOLE: Box = { x: 0, y: 0, width: 1, height: 1 };

type Options = {
  signal: AbortSignal;
  /** Told when something is wrong with the pictures, and null when it is no more. */
  onTrouble: (trouble: string | null) => void;
  /** Told of each picture that cannot be decoded. */
  onError?: () => void;
};

/**
 * Looks at a camera's pictures, one at a time; those that come meanwhile are passed over. Decoding
 * is done in the sandbox; what is left is arithmetic on some ten thousand numbers.
 */
export function createLook(
  row: CameraRow,
  deps: LookDeps,
  { signal, onTrouble, onError }: Options,
) {
  const { clock, imaging, events, cameraFrames, metrics } = deps;
  const { motion: settings, detect, keep_every_s, rules } = row;
  const motion = createMotion({ minArea: settings.min_area, zones: settings.zones });
  const isLooking = settings.enabled || detect !== "none";
  let looking: Promise<void> | null = null;
  let quietUntil = -Infinity;
  let keepAt = -Infinity;
  let asked: { print: Uint8Array; found: Detection[] } | null = null;
  const troubles = new Map<Part, string>();

  /** Notes whether a part of the work goes well, and tells when that makes a difference. */
  const note = (part: Part, trouble: string | null) => {
    const [before] = troubles.values();
    if (trouble === null) troubles.delete(part);
    else troubles.set(part, trouble);
    const [after] = troubles.values();
    if (before !== after) onTrouble(after ?? null);
  };

  /** The work of a part; what is wrong with it is told, and gives null. */
  const attempt = async <T>(part: Part, why: string, work: () => Promise<T>): Promise<T | null> => {
    try {
      const done = await work();
      note(part, null);
      return done;
    } catch (error) {
      if (!(error instanceof Problem) || signal.aborted) throw error;
      log.info("A camera is in trouble: {error}", { camera: row.id, tenant: row.tenant, error });
      note(part, `${why}: ${error.detail}`);
      return null;
    }
  };

  /** The id of the kept picture; null where it cannot be kept. */
  const keep = ({ jpeg, at }: Frame): Promise<string | null> =>
    attempt("keeping", "Cannot keep pictures", () => cameraFrames.keep(row, jpeg, at));

  const keepNow = async (frame: Frame) => {
    if (keep_every_s === null || clock.now() < keepAt) return;
    keepAt = clock.now() + keep_every_s * 1000;
    await keep(frame);
  };

  /** What moved, or everything where motion does not matter; null for nothing. */
  const movementIn = (pixels: Pixels): Movement | null =>
    settings.enabled ? motion.look(pixels) : { box: WHOLE, area: 1 };

  /** What it is that moved, as far as somebody can tell. */
  const name = async (frame: Frame, pixels: Pixels, { box }: Movement): Promise<Detection[]> => {
    const unnamed = { label: MOTION, confidence: null, box };
    if (detect === "none") return [unnamed];
    const found = await find(frame, fingerprintOf(pixels));
    // That something moved is known all the same.
    if (!found) return settings.enabled ? [unnamed] : [];
    return found.filter((each) => touch(each.box, box) && isIn(settings.zones, footOf(each.box)));
  };

  /** What a picture shows. What was said of the last one that was asked about holds for its like. */
  const find = async ({ jpeg }: Frame, print: Uint8Array): Promise<Detection[] | null> => {
    if (asked && areAlike(asked.print, print)) return asked.found;
    // Each question to a provider costs.
    if (detect === "provider") quietUntil = clock.now() + settings.cooldown_s * 1000;
    const found = await attempt("naming", "Cannot tell what moves", () => ask(jpeg));
    if (found) asked = { print, found };
    return found;
  };

  const ask = async (jpeg: Uint8Array): Promise<Detection[]> => {
    const detector = detect === "none" ? null : deps.detectors[detect];
    if (!detector) throw new Problem("ai_unavailable", "Nobody can say what the camera sees");
    return await detector(await deps.tenants.get(row.tenant), jpeg, signal);
  };

  /** Tells what was found, with its picture where that can be kept. */
  const report = async (frame: Frame, detections: Detection[]) => {
    const findings = findingsOf(detections, rules, settings.zones);
    if (findings.length === 0 || signal.aborted) return;
    quietUntil = clock.now() + settings.cooldown_s * 1000;
    const image_id = await keep(frame);
    for (const { type, severity, detection: { box, confidence }, ...finding } of findings) {
      await events.create(row.tenant, {
        ...{ camera_id: row.id, type, severity, description: describe(finding), notes: "" },
        ...{ box, confidence, image_id, occurred_at: frame.at },
      });
    }
  };

  const look = async (frame: Frame) => {
    await keepNow(frame);
    if (isLooking) {
      const pixels = await attempt("decoding", "Cannot look at the pictures", () => decode(frame));
      if (!pixels) onError?.();
      const movement = pixels && movementIn(pixels);
      if (movement && clock.now() >= quietUntil) {
        await report(frame, await name(frame, pixels, movement));
      }
    }
    // Not before the event holds its picture.
    await cameraFrames.trim(row);
  };

  const decode = ({ jpeg }: Frame): Promise<Pixels> =>
    imaging.pixels(jpeg, { format: "jpeg", side: MOTION_SIDE }, { signal });

  return {
    /** Looks at this picture, unless it still looks at another. */
    see(frame: Frame): void {
      metrics.cameraPictures.inc({ done: looking ? "passed over" : "looked at" });
      looking ??= look(frame)
        .catch((error) => {
          if (signal.aborted) return;
          log.error("Cannot look at a camera's picture: {error}", { camera: row.id, error });
        })
        .finally(() => looking = null);
    },

    /** Resolves when it looks at nothing any more. */
    async end(): Promise<void> {
      await looking;
    },
  };
}

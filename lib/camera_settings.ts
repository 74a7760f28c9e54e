import { Problem } from "./errors.ts";
import type { CameraRow, Detect } from "./model/camera.ts";

/** Why a camera's pictures cannot be looked at in this way; null where they can. */
export type WhyNot = (detect: Detect) => string | null;

/** Refuses settings that no shape shows to be wrong: a zone that is not there, a detector neither. */
export function refuseUnfit(
  { detect, motion, rules }: Pick<CameraRow, "detect" | "motion" | "rules">,
  whyNot: WhyNot,
): void {
  const reason = whyNot(detect);
  if (reason) throw unfit("detect", reason);
  const names = motion.zones.map(({ name }) => name).filter(Boolean);
  if (new Set(names).size < names.length) throw unfit("motion.zones", "two have one name");
  const unknown = rules.findIndex(({ zone }) => zone !== null && !names.includes(zone));
  if (unknown < 0) return;
  throw unfit(`rules.${unknown}.zone`, `there is no zone "${rules[unknown]!.zone}"`);
}

function unfit(path: string, message: string): Problem {
  return new Problem("invalid_content", `Cannot use the camera: ${path}: ${message}`, {
    errors: [{ path, message }],
  });
}

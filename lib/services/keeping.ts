import { createErasures } from "../erasures.ts";
import { createExports } from "../exports.ts";
import type { Retention } from "../retention.ts";
import type { Accounts } from "./accounts.ts";
import type { Base } from "./base.ts";
import type { Predicting } from "./predicting.ts";
import type { Watching } from "./watching.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** How long things are kept, and how a tenant takes them along or has them gone. */
export function createKeeping(
  base: Base,
  { principals }: Accounts,
  { predictions, predictionFigures }: Predicting,
  { cameraFrames, events }: Watching,
) {
  const { config, audit } = base;
  const feedbackMs = config.FEEDBACK_RETENTION_DAYS * DAY_MS;
  const retentions: Retention[] = [
    { what: "events", keepMs: config.EVENT_RETENTION_DAYS * DAY_MS, purge: events.purge },
    {
      what: "camera_frames",
      keepMs: config.FRAME_RETENTION_DAYS * DAY_MS,
      purge: cameraFrames.purge,
    },
    { what: "audit_entries", keepMs: config.AUDIT_RETENTION_DAYS * DAY_MS, purge: audit.purge },
    {
      what: "predictions",
      keepMs: config.INFERENCE_RETENTION_DAYS * DAY_MS,
      purge: predictions.purge,
    },
    { what: "feedback", keepMs: feedbackMs, purge: predictions.purgeFeedback },
    { what: "prediction_figures", keepMs: feedbackMs, purge: predictionFigures.purge },
  ];
  return {
    retentions,
    erasures: createErasures({ ...base, principals }),
    exports: createExports(base),
  };
}

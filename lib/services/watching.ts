import { createCameraFrames } from "../camera_frames.ts";
import { createCameraStates } from "../camera_states.ts";
import { createCameraWatches } from "../camera_watches.ts";
import { createCameras } from "../cameras.ts";
import { createDiscovery } from "../discovery/discovery.ts";
import { createNearby } from "../discovery/nearby.ts";
import { createEvents } from "../events.ts";
import { createFfmpeg } from "../ffmpeg.ts";
import { createFrames } from "../frames.ts";
import type { Detect } from "../model/camera.ts";
import { createSafeFetch } from "../net/safe_fetch.ts";
import { createOnnxDetector } from "../seeing/onnx_detector.ts";
import { createProviderDetector } from "../seeing/provider_detector.ts";
import type { Accounts } from "./accounts.ts";
import type { Base } from "./base.ts";
import type { Pictures } from "./pictures.ts";
import type { Writing } from "./writing.ts";

/** Cameras, and what they see. */
export function createWatching(
  base: Base,
  { tenants }: Accounts,
  { ai, aiReason, writer }: Writing,
  { images }: Pictures,
) {
  const { config, clock, imaging } = base;
  const minConfidence = config.CONFIDENCE_THRESHOLD;
  const ownDetector = config.DETECT_MODEL_PATH
    ? createOnnxDetector({ path: config.DETECT_MODEL_PATH, minConfidence, imaging })
    : null;
  const detectors = {
    provider: ai && createProviderDetector({ writer, imaging, minConfidence }),
    model: ownDetector && ownDetector.detect,
  };
  const why: Record<Detect, string | null> = {
    none: null,
    provider: ai ? null : `there is no provider of AI (${aiReason})`,
    model: ownDetector ? null : "there is no detector (DETECT_MODEL_PATH)",
  };
  const discovery = base.discovery ?? createDiscovery(base);
  const cameraNet = createSafeFetch({
    kind: "camera",
    allowedNets: config.FETCH_ALLOWED_NETS,
  });
  const states = createCameraStates(base);
  const cameras = createCameras({
    ...base,
    states,
    net: cameraNet,
    ffmpeg: createFfmpeg(),
    whyNot: (detect) => why[detect],
  });
  const events = createEvents({ ...base, images, cameraExists: cameras.exists });
  const quotaBytes = config.FRAME_QUOTA_MB;
  return {
    cameraNet,
    cameras,
    cameraWatches: createCameraWatches({ ...base, states }),
    nearby: createNearby({ ...base, cameras, discovery, net: cameraNet }),
    frames: createFrames({ clock }),
    events,
    cameraFrames: createCameraFrames({ ...base, images, events, tenants, quotaBytes }),
    discovery,
    detectors,
    ownDetector,
  };
}

export type Watching = ReturnType<typeof createWatching>;

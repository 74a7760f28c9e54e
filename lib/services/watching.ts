import { createCameras } from "../cameras.ts";
import { createEncryption } from "../encryption.ts";
import { createEvents } from "../events.ts";
import { createFfmpeg } from "../ffmpeg.ts";
import { createFrames } from "../frames.ts";
import { createSafeFetch } from "../net/safe_fetch.ts";
import { createDeliveries } from "../webhooks/deliveries.ts";
import { createFanOut } from "../webhooks/fan_out.ts";
import { createSend } from "../webhooks/send.ts";
import { createWebhooks } from "../webhooks.ts";
import type { Base } from "./base.ts";
import type { Pictures } from "./pictures.ts";

/** Cameras, what they see, and the webhooks that tell of it. */
export function createWatching(base: Base, { images }: Pictures) {
  const { config, secrets, db, clock } = base;
  const allowedNets = config.FETCH_ALLOWED_NETS;
  const encryption = createEncryption(secrets.encryptionKeys);
  const cameraNet = createSafeFetch({ kind: "camera", allowedNets });
  const cameras = createCameras({ ...base, encryption, net: cameraNet, ffmpeg: createFfmpeg() });
  const receivers = createSafeFetch({ kind: "web", allowedNets, clock });
  const webhooks = createWebhooks({ ...base, encryption, receivers });
  const deliveries = createDeliveries({ ...base, webhooks });
  return {
    encryption,
    cameraNet,
    cameras,
    frames: createFrames({ clock }),
    events: createEvents({ ...base, images, cameraExists: cameras.exists }),
    webhooks,
    deliveries,
    fanOut: createFanOut({ ...base, deliveries }),
    send: createSend({ db, clock, webhooks, receivers }),
  };
}

export type Watching = ReturnType<typeof createWatching>;

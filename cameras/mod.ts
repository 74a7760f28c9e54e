import type { Services } from "../lib/services.ts";
import { createHttpSource } from "./sources/http.ts";
import { createRtspSource } from "./sources/rtsp.ts";
import { createSupervisor } from "./supervisor.ts";
import { watch } from "./watch.ts";

/** Joins the parts into what watches the started cameras of this process. */
export function createWatchers(services: Services) {
  const { cameras, cameraWatches, cameraNet: net, clock, exclusive } = services;
  const http = createHttpSource({ net, clock });
  const rtsp = createRtspSource({ net });

  const supervisor = createSupervisor({
    cameras,
    cameraWatches,
    clock,
    exclusive,
    owner: crypto.randomUUID(),
    watch: (row, lease, signal) => {
      const source = row.url.startsWith("rtsp:") ? rtsp : http;
      return watch(row, { ...services, source, lease }, signal);
    },
  });
  services.worker.watching = () => supervisor.watched;
  return supervisor;
}

export type Watchers = ReturnType<typeof createWatchers>;

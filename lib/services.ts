import deno from "../deno.json" with { type: "json" };
import { createLeases } from "./leases.ts";
import { createMachine } from "./machine.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createQueueDepth } from "./queue_depth.ts";
import { createAccounts } from "./services/accounts.ts";
import { createBase, type Foundations } from "./services/base.ts";
import { healthOf } from "./services/health.ts";
import { createKeeping } from "./services/keeping.ts";
import { createLive } from "./services/live.ts";
import { createPictures } from "./services/pictures.ts";
import { createPredicting } from "./services/predicting.ts";
import { createSigned } from "./services/signed.ts";
import { createTelling } from "./services/telling.ts";
import { createWatching } from "./services/watching.ts";
import { createWriting } from "./services/writing.ts";
import { createStats } from "./stats.ts";
import { createTraffic } from "./traffic.ts";

export type { Foundations };
export type Services = ReturnType<typeof createServices>;

/** Builds everything in `lib/` once: a file of `services/` for each part of Imago. */
export function createServices(given: Foundations) {
  const { version } = deno;
  const base = createBase(given);
  const { secrets: _, ...shared } = base;
  const { db, clock, disk, imaging } = base;

  /** Set once there is a scheduler, and who watches cameras. */
  const worker = { running: () => 0, watching: () => 0 };
  const metrics: Metrics = createMetrics({
    version,
    queue: createQueueDepth({ db, clock }),
    freeDisk: disk && disk.look,
    commits: () => db.commits,
    running: () => worker.running(),
    cameras: () => worker.watching(),
    sockets: () => live.sockets.count(),
    sandboxes: () => ({
      imaging: imaging.stats(),
      reader: writing.reader.stats(),
      predict: (predicting.custom ?? predicting.pets).stats(),
      ...(watching.ownDetector && { detect: watching.ownDetector.stats() }),
      ...(writing.ocr && { ocr: writing.ocr.stats() }),
    }),
  });
  const accounts = createAccounts(base);
  const writing = createWriting(base, metrics);
  const pictures = createPictures(base, accounts, writing, metrics);
  const predicting = createPredicting(base, accounts, writing, metrics);
  const watching = createWatching(base, accounts, writing, pictures);
  const live = createLive(base, accounts, watching);

  return {
    ...shared,
    ...accounts,
    ...writing,
    ...pictures,
    ...predicting,
    ...watching,
    ...live,
    ...createTelling(base),
    ...createKeeping(base, accounts, predicting, watching),
    ...createSigned(base),
    version,
    worker,
    metrics,
    health: healthOf(base, version, writing, predicting, () => worker.running()),
    stats: createStats({ db, clock, ...accounts, ...pictures, ...predicting, ...watching }),
    machine: createMachine({ disk }),
    traffic: createTraffic(),
    leases: createLeases({ db, clock }),

    /** Ends the child processes of its own and closes the database. */
    async close() {
      const { ocr, reader } = writing;
      const { pets, custom } = predicting;
      const { discovery, ownDetector } = watching;
      await Promise.all([
        ocr?.close(),
        reader.close(),
        pets.close(),
        custom?.close(),
        ownDetector?.close(),
        discovery.close(),
      ]);
      db.close();
    },
  };
}

import { createAudit } from "../audit.ts";
import { type Clock, createIds, systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Disk } from "../disk.ts";
import type { Discovery } from "../discovery/discovery.ts";
import { createEncryption } from "../encryption.ts";
import { createFeed } from "../feed.ts";
import type { Imaging } from "../imaging/imaging.ts";
import { createProbe } from "../imaging/probe.ts";
import type { Database, Transaction } from "../kv.ts";
import { createLocks } from "../locks.ts";
import type { Job } from "../model/job.ts";
import type { Probe } from "../receive.ts";
import type { Secrets } from "../secrets.ts";
import type { Storage } from "../storage/storage.ts";

/** What `main.ts` and tests decide; the rest follows from the configuration. */
export type Foundations = {
  config: Config;
  secrets: Secrets;
  db: Database;
  storage: Storage;
  imaging: Imaging;
  /** The disk of the database; null or left out where that is elsewhere. */
  disk?: Disk | null;
  clock?: Clock;
  /** Another one than the local network's. */
  discovery?: Discovery;
  /** log2 of the work that a password costs, where that is not to be the standard. */
  passwordCost?: number;
  /** Names of the pipeline's steps. */
  steps: string[];
  /** Tells those who work that there is work. */
  ring: (tx: Transaction, job: Job) => void;
  /** No other process writes to this KV. */
  exclusive: boolean;
};

export type Base = ReturnType<typeof createBase>;

/** What nearly everything else stands on. */
export function createBase(given: Foundations) {
  const { config, db, imaging, clock = systemClock } = given;
  const disk = given.disk ?? null;
  const newId = createIds(clock);
  return {
    ...given,
    clock,
    disk,
    storage: disk ? disk.guard(given.storage) : given.storage,
    newId,
    locks: createLocks(),
    cores: navigator.hardwareConcurrency,
    /** Milliseconds that only grow, for what is measured. */
    ticks: given.clock ? given.clock.now : () => performance.now(),
    encryption: createEncryption(given.secrets.encryptionKeys),
    audit: createAudit({ db, clock, newId }),
    feed: createFeed({ db, clock, newId }),
    probe: () => readableProbe(imaging, config.MAX_PIXELS),
  };
}

/** A probe that also refuses what the engine cannot read. */
function readableProbe(imaging: Imaging, maxPixels: number): Probe {
  const probe = createProbe({ maxPixels });
  return {
    push: probe.push,
    end() {
      const header = probe.end();
      imaging.supports(header.format);
      return header;
    },
  };
}

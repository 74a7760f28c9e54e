import type { Clock } from "./clock.ts";
import { Problem } from "./errors.ts";
import type { Database } from "./kv.ts";
import type { Storage } from "./storage/storage.ts";

/** Looks at the parts at most so often, however many ask. */
const CACHE_MS = 2_000;

export type Part = { state: "ok" | "off" | "failing"; detail: string | null };
export type Report = {
  status: "healthy" | "degraded";
  version: string;
  uptime_seconds: number;
  parts: Record<string, Part>;
};

type Deps = {
  db: Database;
  storage: Storage;
  clock: Clock;
  version: string;
  /** The other parts. */
  describe: () => Promise<Record<string, Part>>;
};

/** How the process and its parts are. */
export function createHealth({ db, storage, clock, version, describe }: Deps) {
  const startedAt = clock.now();
  let ready = false;
  let last: { at: number; report: Promise<Report> } | null = null;

  const look = async (): Promise<Report> => {
    const parts: Record<string, Part> = {
      kv: await probe(async () => void (await db.kv.get(["health"]))),
      storage: await probe(() => storage.check()),
      ...await describe(),
    };
    const failing = Object.values(parts).some(({ state }) => state === "failing");
    return {
      status: failing ? "degraded" : "healthy",
      version,
      uptime_seconds: Math.round((clock.now() - startedAt) / 1000),
      parts,
    };
  };

  const read = () => {
    if (!last || clock.now() - last.at >= CACHE_MS) last = { at: clock.now(), report: look() };
    return last.report;
  };

  return {
    read,

    /** The process has started, or is about to end. */
    setReady(now: boolean) {
      ready = now;
    },

    /** Throws `unavailable` before the start, while stopping, and when records or bytes cannot be reached. */
    async refuseUnlessReady() {
      if (!ready) {
        throw new Problem("unavailable", "Imago is starting or stopping", { retryAfter: 1 });
      }
      const { parts } = await read();
      const failing = ["kv", "storage"].find((name) => parts[name]?.state === "failing");
      if (failing) {
        throw new Problem("unavailable", `The ${failing} does not answer`, { retryAfter: 5 });
      }
    },
  };
}

export type Health = ReturnType<typeof createHealth>;

async function probe(look: () => Promise<void>): Promise<Part> {
  try {
    await look();
    return { state: "ok", detail: null };
  } catch (error) {
    return {
      state: "failing",
      detail: error instanceof Problem ? error.detail : "it does not answer",
    };
  }
}

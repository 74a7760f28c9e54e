import { getLogger } from "@logtape/logtape";
import type { CameraWatches } from "../lib/camera_watches.ts";
import type { Cameras } from "../lib/cameras.ts";
import type { Clock } from "../lib/clock.ts";
import type { CameraRow, CameraWatch } from "../lib/model/camera.ts";

const log = getLogger(["imago", "cameras"]);

/** How often it looks for what other processes started, stopped or left behind. */
const LOOK_MS = 5_000;
/** Who has not renewed for so long is gone. */
const LEASE_MS = 45_000;

type Lease = { owner: string; until_ms: number };
type Task = { version: number; stop(): Promise<void> };

type Deps = {
  cameras: Pick<Cameras, "onChange">;
  cameraWatches: CameraWatches;
  clock: Clock;
  /** No other process uses this KV: other owners are of an earlier start, and gone. */
  exclusive: boolean;
  /** This process. */
  owner: string;
  /** Watches a camera until the signal aborts. */
  watch: (row: CameraRow, lease: () => Lease, signal: AbortSignal) => Promise<void>;
};

/**
 * Keeps one task for each started camera that this process owns. A camera has one owner: who holds
 * its lease.
 */
export function createSupervisor({ cameras, cameraWatches, clock, exclusive, owner, watch }: Deps) {
  const tasks = new Map<string, Task>();
  let looking: Promise<void> | null = null;
  let again = false;
  let stopped = true;
  let cancel = () => {};
  let ignore = () => {};

  const lease = (): Lease => ({ owner, until_ms: clock.now() + LEASE_MS });
  const isFree = (watch: CameraWatch) =>
    watch.owner === null || exclusive || watch.until_ms < clock.now();

  const begin = async (tenant: string, id: string, name: string): Promise<void> => {
    const row = await cameraWatches.claim(tenant, id, lease(), isFree);
    if (!row) return;
    const ending = new AbortController();
    const ended = watch(row, lease, ending.signal)
      .catch((error) => log.error("A camera's task failed: {error}", { camera: id, error }))
      .finally(() => {
        if (tasks.get(name) === task) tasks.delete(name);
      });
    const task: Task = {
      version: row.version,
      async stop() {
        ending.abort();
        await ended;
      },
    };
    tasks.set(name, task);
  };

  /** Compares what runs with what should. */
  const compare = async (): Promise<void> => {
    const wanted = new Set<string>();
    for await (const { tenant, id, watch } of cameraWatches.started()) {
      const name = `${tenant}/${id}`;
      wanted.add(name);
      const task = tasks.get(name);
      if (task && (watch.owner !== owner || task.version !== watch.version)) await task.stop();
      if (stopped) return;
      if (!tasks.has(name) && (watch.owner === owner || isFree(watch))) {
        await begin(tenant, id, name);
      }
    }
    const surplus = [...tasks].filter(([name]) => !wanted.has(name));
    await Promise.all(surplus.map(([, task]) => task.stop()));
  };

  const look = async (): Promise<void> => {
    cancel();
    do {
      again = false;
      await compare().catch((error) => log.error("Cannot look at cameras: {error}", { error }));
    } while (again && !stopped);
    looking = null;
    if (!stopped) cancel = clock.after(LOOK_MS, poke);
  };

  const poke = () => {
    if (stopped) return;
    again = true;
    looking ??= look();
  };

  return {
    /** Cameras that are watched here. */
    get watched() {
      return tasks.size;
    },
    /** Takes up what is started, now and from now on. */
    start() {
      stopped = false;
      ignore = cameras.onChange(poke);
      poke();
    },
    /** Ends all tasks, and gives their cameras to whoever comes next. */
    async stop() {
      stopped = true;
      cancel();
      ignore();
      await looking;
      const names = [...tasks.keys()];
      await Promise.all([...tasks.values()].map((task) => task.stop()));
      await Promise.all(names.map((name) => {
        const [tenant, id] = name.split("/");
        return cameraWatches.release(tenant!, id!, owner);
      }));
    },
  };
}

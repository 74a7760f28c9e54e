import type { CameraStates } from "./camera_states.ts";
import type { Database } from "./kv.ts";
import type { CameraRow, CameraState, CameraWatch } from "./model/camera.ts";
import { tables } from "./tables.ts";

type Deps = { db: Database; states: CameraStates };

export type CameraWatches = ReturnType<typeof createCameraWatches>;

/** Which cameras are started, and which process watches them: one owner each, by a lease. */
export function createCameraWatches({ db, states }: Deps) {
  return {
    /** All cameras that are started, of all tenants that are active. */
    async *started(): AsyncGenerator<{ tenant: string; id: string; watch: CameraWatch }> {
      const prefix = tables.cameraWatches.prefix();
      const active = new Map<string, boolean>();
      for await (const { key, value } of db.list<CameraWatch>({ prefix })) {
        const tenant = String(key[1]);
        const isActive = active.get(tenant) ??
          (await db.get(tables.tenants.key(tenant)))?.active ?? false;
        active.set(tenant, isActive);
        if (isActive) yield { tenant, id: String(key[2]), watch: value };
      }
    },

    /** Takes a started camera whose owner is none, or gone; null when somebody else was quicker. */
    claim(
      tenant: string,
      id: string,
      lease: { owner: string; until_ms: number },
      isFree: (watch: CameraWatch) => boolean,
    ): Promise<CameraRow | null> {
      return db.transact(async (tx) => {
        const key = tables.cameraWatches.key(tenant, id);
        const watch = await tx.get(key);
        const camera = await states.find(tx, tenant, id);
        if (!watch || !camera || (watch.owner !== lease.owner && !isFree(watch))) return null;
        tx.set(key, { ...watch, ...lease });
        if (camera.state.status === "active") states.turn(tx, camera, { status: "connecting" });
        return camera.row;
      });
    },

    /**
     * Notes how a watched camera does, and renews its lease. `seen` is what came since the last
     * note. false when `lease.owner` watches it no longer, or something else than it should.
     */
    note(
      { tenant, id, version }: CameraRow,
      lease: { owner: string; until_ms: number },
      seen: Seen,
      turnTo?: { status: "active" | "error"; error: string | null },
    ): Promise<boolean> {
      return db.transact(async (tx) => {
        const camera = await states.find(tx, tenant, id);
        if (!camera) return false;
        const key = tables.cameraWatches.key(tenant, id);
        const watch = await tx.get(key);
        const mine = watch?.owner === lease.owner && watch.version === version;
        const { state } = camera;
        // What was seen was seen, whoever watches now.
        const next = { ...state, ...added(state, seen), fps: mine ? seen.fps : state.fps };
        states.write(tx, camera.row, next);
        if (!mine) return false;
        tx.set(key, { ...watch, ...lease });
        if (turnTo && (turnTo.status !== state.status || turnTo.error !== state.error)) {
          states.turn(tx, { ...camera, state: next }, turnTo);
        }
        return true;
      });
    },

    /** Gives a camera back, so that another process may take it at once. */
    async release(tenant: string, id: string, owner: string): Promise<void> {
      await db.transact(async (tx) => {
        const key = tables.cameraWatches.key(tenant, id);
        const watch = await tx.get(key);
        if (watch?.owner === owner) tx.set(key, { ...watch, owner: null, until_ms: 0 });
      });
    },
  };
}

/** What a camera did since the last note; `fps` is of that time. */
export type Seen = {
  frames: number;
  errors: number;
  fps: number;
  last_frame_at: string | null;
};

function added(state: CameraState, { frames, errors, last_frame_at }: Seen) {
  return {
    frames: state.frames + frames,
    errors: state.errors + errors,
    last_frame_at: last_frame_at ?? state.last_frame_at,
  };
}

import { type Clock, timestamp } from "./clock.ts";
import type { Feed } from "./feed.ts";
import type { Database, Transaction } from "./kv.ts";
import { type CameraRow, type CameraState, NewCamera } from "./model/camera.ts";
import { tables } from "./tables.ts";

type Deps = { db: Database; clock: Clock; feed: Feed };

/** What a camera does now, for whoever reads it together with the record. */
export type CameraWithState = { row: CameraRow; state: CameraState };

export type CameraStates = ReturnType<typeof createCameraStates>;

/** How cameras do, which is kept apart from their settings. The only code that writes it. */
export function createCameraStates({ db, clock, feed }: Deps) {
  return {
    /** A camera as the transaction sees it; null where there is none. */
    async find(tx: Transaction, tenant: string, id: string): Promise<CameraWithState | null> {
      const row = completed(await tx.get(tables.cameras.key(tenant, id)));
      return row && { row, state: await tx.get(tables.cameraStates.key(tenant, id)) ?? asNew(row) };
    },

    /** Its settings alone; null where there is none. */
    async load(tenant: string, id: string): Promise<CameraRow | null> {
      return completed(await db.get(tables.cameras.key(tenant, id)));
    },

    /** A record as it was read, with how its camera does. */
    async withState(row: CameraRow): Promise<CameraWithState> {
      const state = await db.get(tables.cameraStates.key(row.tenant, row.id));
      return { row: completed(row), state: state ?? asNew(row) };
    },

    /** Begins the state of a new camera within `tx`. */
    begin(tx: Transaction, row: CameraRow): CameraWithState {
      const state = asNew(row);
      tx.set(tables.cameraStates.key(row.tenant, row.id), state);
      return { row, state };
    },

    /** Writes its figures within `tx`, and nothing that anybody must be told. */
    write(tx: Transaction, { tenant, id }: CameraRow, state: CameraState) {
      tx.set(tables.cameraStates.key(tenant, id), state);
    },

    /** Moves a camera to another status within `tx`, and tells so. */
    turn(
      tx: Transaction,
      { row, state }: CameraWithState,
      change: Partial<CameraState> & Pick<CameraState, "status">,
    ): CameraWithState {
      const since = change.status === state.status ? state.since : timestamp(clock.now());
      const next = { ...state, error: null, ...change, since };
      const { tenant, id } = row;
      tx.set(tables.cameraStates.key(tenant, id), next);
      feed.emit(tx, tenant, `camera.${next.status}`, { camera_id: id, error: next.error });
      return { row, state: next };
    },
  };
}

/** Cameras that were added before they could see look for what a new one does. */
const SIGHT = NewCamera.pick({ motion: true, detect: true, keep_every_s: true, rules: true });

function completed<Row extends CameraRow | null>(row: Row): Row {
  return row && { ...SIGHT.parse({}), ...row };
}

function asNew({ created_at }: CameraRow): CameraState {
  return {
    ...{ status: "inactive", since: created_at, error: null, started_at: null },
    ...{ last_frame_at: null, frames: 0, errors: 0, fps: 0 },
  };
}

import { type Clock, timestamp } from "./clock.ts";
import { refuseUnfit, type WhyNot } from "./camera_settings.ts";
import type { CameraStates, CameraWithState } from "./camera_states.ts";
import { maskUrl } from "./camera_url.ts";
import type { Encryption } from "./encryption.ts";
import { Problem } from "./errors.ts";
import { termOfCamera } from "./event_terms.ts";
import type { Feed } from "./feed.ts";
import type { Ffmpeg } from "./ffmpeg.ts";
import { type Database, newestFirst, type Transaction } from "./kv.ts";
import type { Locks } from "./locks.ts";
import type { Camera, CameraPatch, CameraRow, CameraStats, NewCamera } from "./model/camera.ts";
import type { SafeFetch } from "./net/safe_fetch.ts";
import { tables } from "./tables.ts";

/** Each may cost a connection and decoding without end. */
const MAX_CAMERAS = 100;

type Deps = {
  db: Database;
  clock: Clock;
  newId: () => string;
  locks: Locks;
  encryption: Encryption;
  feed: Feed;
  /** HTTP by the rules for cameras. */
  net: Pick<SafeFetch, "check">;
  ffmpeg: Ffmpeg;
  states: CameraStates;
  whyNot: WhyNot;
};

/** Looks at the record that is about to change; what it throws refuses the change. */
type Check = (row: CameraRow) => void;

export type { CameraWithState };
export type Cameras = ReturnType<typeof createCameras>;

/** Cameras of a tenant. The only code that writes their records, and whether they are started. */
export function createCameras(deps: Deps) {
  const { db, clock, newId, locks, encryption, feed, net, ffmpeg, states, whyNot } = deps;
  const listeners = new Set<() => void>();
  /** Wakes whoever watches cameras in this process. */
  const changed = () => listeners.forEach((listener) => listener());

  const read = async (tx: Transaction, tenant: string, id: string): Promise<CameraWithState> =>
    refuseUnlessFound(await states.find(tx, tenant, id), id);

  const seal = (tenant: string, id: string, url: string) =>
    encryption.seal(url, sealedFor(tenant, id));

  return {
    /** Registers a listener for cameras being started, changed, stopped or deleted here. */
    onChange(listener: () => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },

    /** Whether the tenant has it, as the transaction sees it. */
    async exists(tx: Transaction, tenant: string, id: string): Promise<boolean> {
      return await tx.get(tables.cameras.key(tenant, id)) !== null;
    },

    /**
     * A new camera, not started. `invalid_content` for an address that may not be called, and for one
     * camera too many.
     */
    async add(tenant: string, { url, ...settings }: NewCamera): Promise<CameraWithState> {
      refuseUnfit(settings, whyNot);
      await net.check(url);
      const id = newId();
      const sealed_url = await seal(tenant, id, url);
      const at = timestamp(clock.now());
      const row: CameraRow = {
        ...{ id, tenant, version: 1 },
        ...settings,
        ...{ url: maskUrl(url), sealed_url, created_at: at, updated_at: at },
      };
      // One after the other: several at once would each count too few.
      return await locks.run(`cameras:${tenant}`, async () => {
        await refuseTooMany(db, tenant);
        return await db.transact(async (tx) => {
          const owner = await tx.get(tables.tenants.key(tenant));
          if (!owner?.active) throw new Problem("unauthorized", "The client is deactivated");
          tx.set(tables.cameras.key(tenant, id), row);
          feed.emit(tx, tenant, "camera.created", { camera_id: id });
          return states.begin(tx, row);
        });
      });
    },

    /** One camera, or a `not_found` problem. */
    async get(tenant: string, id: string): Promise<CameraWithState> {
      return states.withState(refuseUnlessFound(await states.load(tenant, id), id));
    },

    /** Some cameras, newest first; `before` is where the page before ended. */
    async list(tenant: string, limit: number, before?: string): Promise<CameraWithState[]> {
      const rows = await newestFirst<CameraRow>(db, tables.cameras.prefix(tenant), limit, before);
      return await Promise.all(rows.map(states.withState));
    },

    /** All of a tenant's cameras: there are few. */
    all(tenant: string): Promise<CameraWithState[]> {
      return this.list(tenant, MAX_CAMERAS);
    },

    /** Its address with user and password: to connect, never to be shown. */
    address({ tenant, id, sealed_url }: CameraRow): Promise<string> {
      return encryption.open(sealed_url, sealedFor(tenant, id));
    },

    /** Changes what is given; a started camera goes on with it at once. */
    async change(
      tenant: string,
      id: string,
      { url, motion, ...patch }: CameraPatch,
      check: Check = () => {},
    ): Promise<CameraWithState> {
      const known = refuseUnlessFound(await states.load(tenant, id), id);
      check(known);
      // What was shown comes back from a form that nobody touched.
      const fresh = url !== undefined && url !== known.url ? url : undefined;
      if (fresh !== undefined) await net.check(fresh);
      const address = fresh === undefined
        ? {}
        : { url: maskUrl(fresh), sealed_url: await seal(tenant, id, fresh) };
      return await db.transact(async (tx) => {
        const { row: before, state } = await read(tx, tenant, id);
        check(before);
        const row: CameraRow = {
          ...before,
          ...patch,
          ...address,
          motion: { ...before.motion, ...motion },
          version: before.version + 1,
          updated_at: timestamp(clock.now()),
        };
        refuseUnfit(row, whyNot);
        tx.set(tables.cameras.key(tenant, id), row);
        const watch = await tx.get(tables.cameraWatches.key(tenant, id));
        if (watch) {
          tx.set(tables.cameraWatches.key(tenant, id), { ...watch, version: row.version });
        }
        feed.emit(tx, tenant, "camera.updated", { camera_id: id });
        tx.afterCommit(changed);
        return { row, state };
      });
    },

    /**
     * Has it watched from now on, over restarts of Imago too; what is started stays so.
     * `invalid_content` for RTSP where there is no ffmpeg.
     */
    async start(tenant: string, id: string, check: Check = () => {}): Promise<CameraWithState> {
      const ready = await ffmpeg.missing();
      return await db.transact(async (tx) => {
        const camera = await read(tx, tenant, id);
        check(camera.row);
        if (ready && camera.row.url.startsWith("rtsp:")) {
          throw new Problem("invalid_content", ready);
        }
        const key = tables.cameraWatches.key(tenant, id);
        if (await tx.get(key)) return camera;
        tx.set(key, { version: camera.row.version, owner: null, until_ms: 0 });
        tx.afterCommit(changed);
        const started_at = timestamp(clock.now());
        return states.turn(tx, camera, { status: "connecting", started_at });
      });
    },

    /** Has it watched no more; what is stopped stays so. */
    stop(tenant: string, id: string, check: Check = () => {}): Promise<CameraWithState> {
      return db.transact(async (tx) => {
        const camera = await read(tx, tenant, id);
        check(camera.row);
        const key = tables.cameraWatches.key(tenant, id);
        if (!await tx.get(key)) return camera;
        tx.delete(key);
        tx.afterCommit(changed);
        return states.turn(tx, camera, { status: "inactive", started_at: null, fps: 0 });
      });
    },

    /** Deletes a camera. Its events stay, and its frames until their time is over. */
    async remove(tenant: string, id: string, check: Check = () => {}): Promise<void> {
      await db.transact(async (tx) => {
        const { row } = await read(tx, tenant, id);
        check(row);
        for (const table of [tables.cameras, tables.cameraStates, tables.cameraWatches]) {
          tx.delete(table.key(tenant, id));
        }
        feed.emit(tx, tenant, "camera.deleted", { camera_id: id });
        tx.afterCommit(changed);
      });
    },

    /** Its figures, at most some seconds old. */
    async stats(tenant: string, id: string): Promise<CameraStats> {
      const { state } = await this.get(tenant, id);
      const { status, fps, frames, errors, last_frame_at } = state;
      const active = status === "active";
      const counted = await db.get(tables.eventCounts.key(tenant, termOfCamera(id)));
      const events = Number(counted?.value ?? 0n);
      const uptime_s = active ? Math.floor((clock.now() - Date.parse(state.since)) / 1000) : 0;
      return { id, status, frames, fps: active ? fps : 0, last_frame_at, errors, events, uptime_s };
    },
  };
}

/** A camera as its tenant sees it. */
export function viewOf({ row, state }: CameraWithState): Camera {
  const { tenant: _, version: __, sealed_url: ___, ...camera } = row;
  return { ...camera, status: state.status, status_since: state.since, error: state.error };
}

function sealedFor(tenant: string, id: string): string {
  return `${tenant}/camera/${id}`;
}

async function refuseTooMany(db: Database, tenant: string): Promise<void> {
  const range = { prefix: tables.cameras.prefix(tenant) };
  const there = await Array.fromAsync(db.list(range, { limit: MAX_CAMERAS }));
  if (there.length < MAX_CAMERAS) return;
  throw new Problem("invalid_content", `Cannot add a camera: there are ${MAX_CAMERAS} already`);
}

function refuseUnlessFound<T>(found: T | null, id: string): T {
  if (!found) throw new Problem("not_found", `Cannot find camera "${id}"`);
  return found;
}

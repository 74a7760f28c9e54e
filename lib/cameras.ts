import type { Audit } from "./audit.ts";
import { type Clock, timestamp } from "./clock.ts";
import { maskUrl } from "./camera_url.ts";
import type { Discovery, Heard } from "./discovery/discovery.ts";
import type { Encryption } from "./encryption.ts";
import { Problem } from "./errors.ts";
import { termOfCamera } from "./event_terms.ts";
import type { Feed } from "./feed.ts";
import type { Ffmpeg } from "./ffmpeg.ts";
import { type Database, newestFirst, type Transaction } from "./kv.ts";
import type { Locks } from "./locks.ts";
import {
  type Camera,
  type CameraPatch,
  type CameraRow,
  type CameraState,
  type CameraStats,
  type CameraWatch,
  type Detect,
  NewCamera,
} from "./model/camera.ts";
import type { DiscoveredCamera } from "./model/discovery.ts";
import type { SafeFetch } from "./net/safe_fetch.ts";
import { tables } from "./tables.ts";

/** Each may cost a connection and decoding without end. */
const MAX_CAMERAS = 100;

type Deps = {
  db: Database;
  clock: Clock;
  newId: () => string;
  locks: Locks;
  audit: Audit;
  encryption: Encryption;
  feed: Feed;
  /** HTTP by the rules for cameras. */
  net: Pick<SafeFetch, "check">;
  ffmpeg: Ffmpeg;
  discovery: Pick<Discovery, "find">;
  /** Why a camera's pictures cannot be looked at in this way; null where they can. */
  whyNot: (detect: Detect) => string | null;
};

/** Looks at the record that is about to change; what it throws refuses the change. */
type Check = (row: CameraRow) => void;

/** What a camera does now, for whoever reads it together with the record. */
export type CameraWithState = { row: CameraRow; state: CameraState };

export type Cameras = ReturnType<typeof createCameras>;

/** Cameras of a tenant. The only code that writes their records, and whether they are started. */
export function createCameras(deps: Deps) {
  const { db, clock, newId, locks, audit, encryption, feed, net, ffmpeg, discovery, whyNot } = deps;
  const listeners = new Set<() => void>();
  /** Wakes whoever watches cameras in this process. */
  const changed = () => listeners.forEach((listener) => listener());

  const find = async (tx: Transaction, tenant: string, id: string) => {
    const row = completed(await tx.get(tables.cameras.key(tenant, id)));
    return row && { row, state: await tx.get(tables.cameraStates.key(tenant, id)) ?? asNew(row) };
  };

  const load = async (tenant: string, id: string) =>
    completed(await db.get(tables.cameras.key(tenant, id)));

  const read = async (tx: Transaction, tenant: string, id: string): Promise<CameraWithState> =>
    refuseUnlessFound(await find(tx, tenant, id), id);

  const withState = async (row: CameraRow): Promise<CameraWithState> => ({
    row,
    state: await db.get(tables.cameraStates.key(row.tenant, row.id)) ?? asNew(row),
  });

  /** Moves a camera to another status, and tells so. */
  const turn = (
    tx: Transaction,
    { row, state }: CameraWithState,
    change: Partial<CameraState> & Pick<CameraState, "status">,
  ): CameraWithState => {
    const since = change.status === state.status ? state.since : timestamp(clock.now());
    const next = { ...state, error: null, ...change, since };
    const { tenant, id } = row;
    tx.set(tables.cameraStates.key(tenant, id), next);
    feed.emit(tx, tenant, `camera.${next.status}`, { camera_id: id, error: next.error });
    return { row, state: next };
  };

  const seal = (tenant: string, id: string, url: string) =>
    encryption.seal(url, sealedFor(tenant, id));

  const refuseUnfit = (
    { detect, motion, rules }: Pick<CameraRow, "detect" | "motion" | "rules">,
  ) => {
    const reason = whyNot(detect);
    if (reason) throw unfit("detect", reason);
    const names = motion.zones.map(({ name }) => name).filter(Boolean);
    if (new Set(names).size < names.length) throw unfit("motion.zones", "two have one name");
    const unknown = rules.findIndex(({ zone }) => zone !== null && !names.includes(zone));
    if (unknown < 0) return;
    throw unfit(`rules.${unknown}.zone`, `there is no zone "${rules[unknown]!.zone}"`);
  };

  const isAllowed = async ({ addresses }: Heard): Promise<boolean> => {
    try {
      for (const address of addresses) await net.check(`http://${address}/`);
      return addresses.length > 0;
    } catch (error) {
      if (error instanceof Problem) return false;
      throw error;
    }
  };

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
      refuseUnfit(settings);
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
          tx.set(tables.cameraStates.key(tenant, id), asNew(row));
          feed.emit(tx, tenant, "camera.created", { camera_id: id });
          return { row, state: asNew(row) };
        });
      });
    },

    /** One camera, or a `not_found` problem. */
    async get(tenant: string, id: string): Promise<CameraWithState> {
      return withState(refuseUnlessFound(await load(tenant, id), id));
    },

    /** Some cameras, newest first; `before` is where the page before ended. */
    async list(tenant: string, limit: number, before?: string): Promise<CameraWithState[]> {
      const rows = await newestFirst<CameraRow>(db, tables.cameras.prefix(tenant), limit, before);
      return await Promise.all(rows.map((row) => withState(completed(row))));
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
      const known = refuseUnlessFound(await load(tenant, id), id);
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
        refuseUnfit(row);
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
        return turn(tx, camera, { status: "connecting", started_at });
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
        return turn(tx, camera, { status: "inactive", started_at: null, fps: 0 });
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

    /**
     * The cameras that answer on the local network within `waitMs`. Those that may not be called are
     * for `everything` alone: the network is the operator's, not every tenant's to look at.
     */
    async discover(
      { tenant, subject }: { tenant: string; subject: string },
      waitMs: number,
      everything: boolean,
    ): Promise<DiscoveredCamera[]> {
      const heard = await discovery.find(waitMs);
      const hosts = (await this.all(tenant)).map(({ row }) => URL.parse(row.url)?.hostname);
      const found = await Promise.all(heard.map(async (device) => {
        const { endpoint: _, ...camera } = device;
        const known = camera.addresses.some((address) => hosts.includes(address));
        return { ...camera, known, allowed: await isAllowed(device) };
      }));
      const shown = found.filter(({ allowed }) => allowed || everything);
      const details = { found: shown.length };
      await db.transact((tx) => audit.note(tx, tenant, subject, "camera.discovery", { details }));
      return shown;
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
        const camera = await find(tx, tenant, id);
        if (!watch || !camera || (watch.owner !== lease.owner && !isFree(watch))) return null;
        tx.set(key, { ...watch, ...lease });
        if (camera.state.status === "active") turn(tx, camera, { status: "connecting" });
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
        const camera = await find(tx, tenant, id);
        if (!camera) return false;
        const key = tables.cameraWatches.key(tenant, id);
        const watch = await tx.get(key);
        const mine = watch?.owner === lease.owner && watch.version === version;
        const { state } = camera;
        // What was seen was seen, whoever watches now.
        const next = { ...state, ...added(state, seen), fps: mine ? seen.fps : state.fps };
        tx.set(tables.cameraStates.key(tenant, id), next);
        if (!mine) return false;
        tx.set(key, { ...watch, ...lease });
        if (turnTo && (turnTo.status !== state.status || turnTo.error !== state.error)) {
          turn(tx, { ...camera, state: next }, turnTo);
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

/** A camera as its tenant sees it. */
export function viewOf({ row, state }: CameraWithState): Camera {
  const { tenant: _, version: __, sealed_url: ___, ...camera } = row;
  return { ...camera, status: state.status, status_since: state.since, error: state.error };
}

function added(state: CameraState, { frames, errors, last_frame_at }: Seen) {
  return {
    frames: state.frames + frames,
    errors: state.errors + errors,
    last_frame_at: last_frame_at ?? state.last_frame_at,
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

function unfit(path: string, message: string): Problem {
  return new Problem("invalid_content", `Cannot use the camera: ${path}: ${message}`, {
    errors: [{ path, message }],
  });
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

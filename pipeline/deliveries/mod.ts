import { getLogger } from "@logtape/logtape";
import type { Clock } from "../../lib/clock.ts";
import type { Feed } from "../../lib/feed.ts";
import type { Leases } from "../../lib/leases.ts";
import type { Webhooks } from "../../lib/webhooks.ts";
import type { FanOut } from "../../lib/webhooks/fan_out.ts";
import { repeat } from "../upkeep/repeat.ts";
import { coalesce } from "./coalesce.ts";
import { createLane, type Lane, type LaneDeps } from "./lane.ts";
import { createSlots } from "./slots.ts";

const log = getLogger(["imago", "webhooks"]);

/** What other processes tell, and webhooks that they change, is seen after so long. */
const SWEEP_MS = 5_000;
/** Sent at once to all receivers together. */
const MAX_FLYING = 64;

type Service = { poke: () => void; idle: () => Promise<void>; lanes: Map<string, Lane> };

type Deps = Omit<LaneDeps, "slots" | "find"> & {
  clock: Clock;
  feed: Feed;
  webhooks: Webhooks;
  fanOut: FanOut;
  leases: Leases;
  /** Nobody else serves this KV. */
  exclusive: boolean;
};

/** Tells webhooks what the feed tells: per tenant one look through its feed, per webhook one lane. */
export function createDeliveryWorker({ feed, webhooks, fanOut, leases, exclusive, ...deps }: Deps) {
  const owner = crypto.randomUUID();
  const served = new Map<string, Service>();
  const lane = { ...deps, slots: createSlots(MAX_FLYING), find: webhooks.find };
  const ended = new Set<Promise<void>>();
  let stopped = false;
  let stop = () => {};

  /** Among several processes one serves a tenant. */
  const isMine = async (tenant: string): Promise<boolean> =>
    !stopped && (exclusive || await leases.take(tenant, "webhooks", owner));

  const serve = (tenant: string) => {
    const lanes = new Map<string, Lane>();
    const { poke, idle } = coalesce(async () => {
      const active = await webhooks.active(tenant);
      const mine = active.length > 0 && await isMine(tenant);
      align(tenant, lanes, mine ? active.map(({ id }) => id) : []);
      if (!mine) return void served.delete(tenant);
      while (await fanOut.look(tenant, active));
      lanes.forEach(({ poke }) => poke());
    }, (error) => log.error("Cannot serve webhooks: {error}", { error }));
    const service = { poke, idle, lanes };
    served.set(tenant, service);
    return service;
  };

  /** One lane for each webhook, no other. */
  const align = (tenant: string, lanes: Map<string, Lane>, ids: string[]) => {
    for (const id of ids) if (!lanes.has(id)) lanes.set(id, createLane(lane, tenant, id));
    for (const [id, gone] of lanes) {
      if (ids.includes(id)) continue;
      lanes.delete(id);
      const end = gone.stop().finally(() => ended.delete(end));
      ended.add(end);
    }
  };

  /** Tenants without a webhook cost nothing; one that gets its first is seen by what that tells. */
  const hear = (tenant: string, type: string) => {
    const service = served.get(tenant) ?? (type.startsWith("webhook.") ? serve(tenant) : null);
    service?.poke();
  };

  const sweep = async () => {
    for await (const tenant of webhooks.tenants()) {
      if (stopped) return;
      (served.get(tenant) ?? serve(tenant)).poke();
    }
  };

  return {
    /** Goes on where the last process stopped, until `stop`. */
    start() {
      stopped = false;
      const unlisten = feed.listen(hear);
      const cancel = repeat(deps.clock, SWEEP_MS, "look for webhooks", sweep);
      stop = () => {
        stopped = true;
        unlisten();
        cancel();
      };
    },

    async stop() {
      stop();
      const services = [...served];
      served.clear();
      await Promise.all(services.map(([, { idle }]) => idle()));
      const lanes = services.flatMap(([, { lanes }]) => [...lanes.values()]);
      await Promise.all([...lanes.map((lane) => lane.stop()), ...ended]);
      if (exclusive) return;
      const tenants = services.map(([tenant]) => tenant);
      await Promise.all(tenants.map((tenant) => leases.release(tenant, "webhooks", owner)));
    },
  };
}

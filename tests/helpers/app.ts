import { type Config, parseConfig } from "../../lib/config.ts";
import type { Discovery } from "../../lib/discovery/discovery.ts";
import { createImaging } from "../../lib/imaging/imaging.ts";
import { createDatabase, type Database } from "../../lib/kv.ts";
import { createServices, type Services } from "../../lib/services.ts";
import { createMemoryStorage } from "../../lib/storage/memory.ts";
import type { Storage } from "../../lib/storage/storage.ts";
import { tables } from "../../lib/tables.ts";
import { sha256Of } from "../../lib/auth/key_format.ts";
import type { Job } from "../../lib/model/job.ts";
import type { NewTenant } from "../../lib/model/tenant.ts";
import { createLocalDoorbell } from "../../pipeline/doorbell.ts";
import { STEPS } from "../../pipeline/mod.ts";
import type { Step } from "../../pipeline/step.ts";
import { createWorker } from "../../pipeline/worker.ts";
import { createApp } from "../../routes/mod.ts";
import { createManualClock } from "./clock.ts";

export const MASTER_KEY = "test-master-key-of-more-than-32-bytes";
export const JWT_SECRET = "a-jwt-secret-for-tests-of-more-than-32-bytes";

type Options = {
  /** Environment variables. */
  env?: Record<string, string>;
  steps?: readonly Step[];
  storage?: Storage;
  /** Another database than a fresh one in memory. */
  db?: Database;
  /** Another one than the local network's. */
  discovery?: Discovery;
  /** false: as one of several processes on that database. */
  exclusive?: boolean;
};

const shared = new Map<Config["IMAGE_ENGINE"], ReturnType<typeof createImaging>>();

/** One an engine for all tests of a file: its children start when a picture is first decoded. */
function sharedImaging(engine: Config["IMAGE_ENGINE"]) {
  const imaging = shared.get(engine) ?? createImaging({ engine, cores: 2, idleMs: 1_000 });
  shared.set(engine, imaging);
  return imaging;
}

/** drain() gives up after so many turns, and where one turn takes so long: a hang tells nothing. */
const MAX_TURNS = 10_000;
const STUCK_MS = 180_000;

/** The real app on a KV and a storage in memory, with time that stands still. One per test. */
export async function startApp(
  { env = {}, steps = STEPS, storage, db, discovery, exclusive = true }: Options = {},
) {
  const clock = createManualClock();
  const config = parseConfig({
    OCR_ENABLED: "false",
    AI_PROVIDER: "none",
    RATE_LIMIT_PER_MINUTE: "1000000",
    ...env,
  });
  const doorbell = createLocalDoorbell();
  const services: Services = createServices({
    config,
    secrets: {
      signedUrlSecret: "a-secret-for-tests-of-more-than-32-bytes",
      adminKeySha256: sha256Of(MASTER_KEY),
      encryptionKeys: ["a-key-for-tests-of-more-than-32-bytes"],
      jwtSecrets: [JWT_SECRET],
      newAdminKey: null,
    },
    db: db ?? createDatabase(await Deno.openKv(":memory:"), Object.values(tables)),
    storage: storage ?? createMemoryStorage(),
    imaging: await sharedImaging(config.IMAGE_ENGINE),
    clock,
    passwordCost: 4,
    discovery,
    steps: steps.map(({ name }) => name),
    ring: doorbell.ring,
    exclusive,
  });
  const worker = createWorker(services, doorbell, steps);
  const app = createApp(services);
  const first = await services.tenants.createFirst();
  const [tenant] = await services.tenants.list(1);

  const request = async (path: string, init: RequestInit = {}, key = first?.apiKey ?? "") => {
    const headers = new Headers(init.headers);
    if (key) headers.set("X-API-Key", key);
    return await app.request(path, { ...init, headers });
  };

  return {
    app,
    services,
    worker,
    clock,
    tenant: tenant!,
    /** Its first key, where this app has created it. */
    key: first?.apiKey ?? "",
    request,

    /** Another tenant, and a `request` with its key. */
    async asTenant(given: Partial<NewTenant> = {}) {
      const { tenant, apiKey } = await services.tenants.create({
        name: "other",
        plan: "standard",
        scopes: ["admin"],
        external_ai: true,
        ...given,
      });
      return {
        tenant,
        key: apiKey,
        request: (path: string, init?: RequestInit) => request(path, init, apiKey),
      };
    },

    /** Uploads bytes as a browser would. */
    async upload(bytes: Uint8Array<ArrayBuffer>, name = "photo.jpg", key?: string) {
      const body = new FormData();
      body.append("file", new File([bytes], name, { type: "image/jpeg" }));
      return await request("/images/upload", { method: "POST", body }, key);
    },

    /** Works the queue until nothing waits, retries included: time moves on as far as it must. */
    async drain() {
      doorbell.listen(worker.scheduler.poke);
      await worker.scheduler.start();
      for (let turn = 0; turn < MAX_TURNS; turn++) {
        worker.scheduler.poke();
        await orTell(worker.scheduler.idle(), () => stuck(services));
        const due = await nextDue(services.db);
        if (due === null) return;
        await clock.advance(Math.max(1, due - clock.now()));
      }
      throw new Error(`drain() does not come to an end: ${await stuck(services)}`);
    },

    async [Symbol.asyncDispose]() {
      await worker.stop();
      await services.close();
    },
  };
}

export type TestApp = Awaited<ReturnType<typeof startApp>>;

async function nextDue(db: Database): Promise<number | null> {
  let due: number | null = null;
  for await (const { key } of db.list({ prefix: tables.jobsReady.prefix() })) {
    due = Math.min(due ?? Infinity, Number(key[3]));
  }
  return due;
}

/** Fails, with what `tell` says, when `done` takes longer than any real work does. */
async function orTell(done: Promise<void>, tell: () => Promise<string>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), STUCK_MS);
  const first = await Promise.race([done, late]).finally(() => clearTimeout(timer));
  if (first === "late") throw new Error(`drain() waits for ever: ${await tell()}`);
}

/** What waits and what runs. */
async function stuck({ db, imaging, ocr, reader, worker }: Services): Promise<string> {
  const jobs = await Array.fromAsync(
    db.list<Job>({ prefix: tables.jobs.prefix() }),
    ({ value: { id, state, steps } }) => ({ id, state, steps }),
  );
  const sandboxes = { imaging: imaging.stats(), ocr: ocr?.stats(), reader: reader.stats() };
  return JSON.stringify({ running: worker.running(), sandboxes, jobs });
}

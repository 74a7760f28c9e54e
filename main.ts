import { randomBytes } from "node:crypto";
import { getLogger } from "@logtape/logtape";
import { createWatchers } from "./cameras/mod.ts";
import { type Config, ConfigError, readConfig } from "./lib/config.ts";
import { AlreadyRunning } from "./lib/data_folder.ts";
import { watchEventLoop } from "./lib/event_loop.ts";
import { openFoundations } from "./lib/foundations.ts";
import { configureLogs } from "./lib/logging.ts";
import { migrate } from "./lib/schema.ts";
import type { Secrets } from "./lib/secrets.ts";
import { createServices, type Services } from "./lib/services.ts";
import { createLocalDoorbell, createQueueDoorbell } from "./pipeline/doorbell.ts";
import { STEPS } from "./pipeline/mod.ts";
import { createWorker, type Worker } from "./pipeline/worker.ts";
import { createApp } from "./routes/mod.ts";
import { createStartingApp } from "./routes/starting.ts";

const log = getLogger(["imago"]);

/** Requests in flight when the process is told to end may take so long to finish. */
const DRAIN_MS = 3_000;
const EX_SOFTWARE = 70;
const EX_TEMPFAIL = 75;
const EX_CONFIG = 78;

if (import.meta.main) {
  addEventListener("unhandledrejection", (event) => endAbruptly(event.reason));
  addEventListener("error", (event) => endAbruptly(event.error));
  await main(Deno.args.includes("worker")).catch(endAbruptly);
}

/** Runs Imago until it is told to end; with `workerOnly` it works the queue and serves nothing. */
async function main(workerOnly: boolean) {
  const { services, worker, secrets, door, close } = await startOrExit(workerOnly);
  await greet(services, secrets);
  door?.open(createApp(services).fetch);
  watchEventLoop(services.metrics.eventLoopDelay);
  const watchers = createWatchers(services);
  if (services.config.JOBS_ENABLED) {
    await worker.start();
    watchers.start();
  } else void services.erasures.resume();
  services.health.setReady(true);
  if (door) announce(services.config);

  await askedToEnd();
  log.info("Stopping");
  services.health.setReady(false);
  const served = services.traffic.end().then(() => door?.close());
  services.sockets.close();
  services.tails.close();
  await withinLimit(Promise.all([served, worker.stop(), watchers.stop()]));
  await close();
  Deno.exit(0);
}

/** Builds everything; what an operator can mend is told in a sentence. */
async function startOrExit(workerOnly: boolean) {
  try {
    const config = readConfig();
    await configureLogs(config);
    return await build(config, workerOnly);
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof AlreadyRunning)) throw error;
    // deno-lint-ignore no-console -- it speaks to a person, and the log may not be there yet
    console.error(error.message);
    Deno.exit(error instanceof ConfigError ? EX_CONFIG : EX_TEMPFAIL);
  }
}

async function build(config: Config, workerOnly: boolean) {
  if (workerOnly && !/^https?:/.test(config.DATABASE_URL ?? "")) {
    throw new ConfigError(
      "Cannot start a worker alone: it needs a remote KV (DATABASE_URL=https://…); a local file has one process",
    );
  }
  const foundations = await openFoundations(config);
  const { db, exclusive, folder, imaging, secrets } = foundations;
  const door = workerOnly ? null : serve(config);
  await migrate(db);
  await folder.noteOpen();
  const doorbell = exclusive ? createQueueDoorbell(db) : createLocalDoorbell();
  const services = createServices({
    ...foundations,
    steps: STEPS.map(({ name }) => name),
    ring: doorbell.ring,
  });
  // What an operator has brought along may not work; the built-in model does.
  if (config.PREDICT_MODEL_PATH) await services.predictions.load();
  await services.ownDetector?.load();
  const worker: Worker = createWorker(services, doorbell, STEPS);
  const close = async () => {
    await folder.noteClosed();
    await Promise.all([services.close(), imaging.close()]);
  };
  return { services, worker, secrets, door, close };
}

/** Answers from now on, though only that Imago is starting, until the door is opened. */
function serve({ HOST: hostname, PORT: port }: Config) {
  const onListen = ({ hostname, port }: Deno.NetAddr) =>
    log.info(`Listening on http://${hostname}:${port}`);
  let handler: Deno.ServeHandler<Deno.NetAddr> = createStartingApp().fetch;
  try {
    const server = Deno.serve(
      { hostname, port, onListen },
      (request, info) => handler(request, info),
    );
    return {
      open: (next: typeof handler) => void (handler = next),
      close: () => server.shutdown(),
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new ConfigError(`Cannot listen on ${hostname}:${port}: another program does already`);
  }
}

/**
 * Ends on what nobody caught: a bug. Left to Deno, it would close the database on the way out, which
 * the next start could not tell from a database whose latest changes were taken away.
 */
function endAbruptly(error: unknown): never {
  log.fatal("Ended by an error that nobody caught: {error}", { error });
  Deno.exit(EX_SOFTWARE);
}

/** The first start tells its secrets, this once. */
async function greet(services: Services, { newAdminKey }: Secrets) {
  const first = await services.tenants.createFirst();
  const lines = [
    ...(newAdminKey ? [`admin_api_key=${newAdminKey}`] : []),
    ...(first ? [`api_key=${first.apiKey}`, `client_id=${first.tenant.id}`] : []),
    ...await createAdmin(services),
  ];
  if (lines.length === 0) return;
  lines.push("warning=Keep what stands above: it is shown this once");
  // deno-lint-ignore no-console -- shown to the person who starts it, kept out of the logs
  console.log(lines.join("\n"));
}

/** The first user; gives the lines that tell how to sign in. */
async function createAdmin({ tenants, users, config }: Services): Promise<string[]> {
  const tenant = await tenants.findFirst();
  const password = config.ADMIN_PASSWORD ?? randomBytes(15).toString("base64url");
  const admin = tenant && await users.createFirst(tenant, password);
  if (!admin) return [];
  const shown = config.ADMIN_PASSWORD ? [] : [`admin_password=${password}`];
  return [`admin_user=${admin.username}`, ...shown];
}

/** What the makers of shop clients look for in the output. */
function announce({ STORAGE_BACKEND, MAX_DIM_PX, JPEG_QUALITY }: Config) {
  const parts = [
    "✅ /ingest/upload ready",
    `storage=${STORAGE_BACKEND}`,
    `MAX_DIM=${MAX_DIM_PX}`,
    `JPEG_QUALITY=${JPEG_QUALITY}`,
  ];
  // deno-lint-ignore no-console -- shown to the person who starts it
  console.log(parts.join(" | "));
}

function askedToEnd(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => resolve());
    }
  });
}

async function withinLimit(work: Promise<unknown>): Promise<void> {
  const limit = new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
  await Promise.race([work, limit]);
}

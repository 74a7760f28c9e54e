import { configure, getConsoleSink, getLogger, jsonLinesFormatter } from "@logtape/logtape";
import { getAnsiColorFormatter } from "@logtape/logtape";
import { type Config, ConfigError, readConfig } from "./lib/config.ts";
import { createImaging } from "./lib/imaging/imaging.ts";
import { createDatabase, type Database } from "./lib/kv.ts";
import { loadSecrets, type Secrets } from "./lib/secrets.ts";
import { createServices, type Services } from "./lib/services.ts";
import { createLocalStorage } from "./lib/storage/local.ts";
import { tables } from "./lib/tables.ts";
import { createLocalDoorbell, createQueueDoorbell } from "./pipeline/doorbell.ts";
import { STEPS } from "./pipeline/mod.ts";
import { createWorker } from "./pipeline/worker.ts";
import { createApp } from "./routes/mod.ts";

const log = getLogger(["imago"]);

/** Requests in flight when the process is told to end may take so long to finish. */
const DRAIN_MS = 3_000;

if (import.meta.main) await main();

async function main() {
  const config = configOrExit();
  await configureLogs(config);
  await Deno.mkdir(config.DATA_DIR, { recursive: true });
  await lockOrExit(config.DATA_DIR);

  const remote = /^https?:/.test(config.DATABASE_URL ?? "");
  const db = await openDatabase(config);
  const doorbell = remote ? createLocalDoorbell() : createQueueDoorbell(db);
  const secrets = await loadSecrets(config.DATA_DIR, {
    adminApiKey: config.ADMIN_API_KEY,
    signedUrlSecret: config.SIGNED_URL_SECRET,
  });
  const imaging = await createImaging({
    engine: config.IMAGE_ENGINE,
    cores: navigator.hardwareConcurrency,
  });
  const services = createServices({
    config,
    secrets,
    db,
    storage: createLocalStorage({ root: `${config.DATA_DIR}/storage` }),
    imaging,
    steps: STEPS.map(({ name }) => name),
    ring: doorbell.ring,
    exclusive: !remote,
  });
  const worker = createWorker(services, doorbell, STEPS);
  await greet(services, secrets);

  const server = Deno.serve({
    hostname: config.HOST,
    port: config.PORT,
    onListen: ({ hostname, port }) => log.info(`Listening on http://${hostname}:${port}`),
  }, createApp(services).fetch);
  if (config.JOBS_ENABLED) await worker.start();
  services.health.setReady(true);

  await askedToEnd();
  log.info("Stopping");
  services.health.setReady(false);
  const drained = server.shutdown();
  await Promise.race([
    Promise.all([drained, worker.stop()]),
    new Promise((resolve) => setTimeout(resolve, DRAIN_MS)),
  ]);
  await Promise.all([services.close(), imaging.close()]);
  Deno.exit(0);
}

function configOrExit(): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // deno-lint-ignore no-console -- there is no log yet, and it speaks to a person
    console.error(error.message);
    Deno.exit(78); // EX_CONFIG
  }
}

async function configureLogs({ DEBUG, LOG_LEVEL }: Config) {
  const formatter = DEBUG ? getAnsiColorFormatter() : jsonLinesFormatter;
  await configure({
    sinks: { console: getConsoleSink({ formatter }) },
    loggers: [
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["console"] },
      { category: ["imago"], lowestLevel: LOG_LEVEL, sinks: ["console"] },
    ],
  });
}

/** One process per data folder: the lock goes with the process, however it ends. */
async function lockOrExit(folder: string) {
  const file = await Deno.open(`${folder}/lock`, { write: true, create: true });
  if (await file.tryLock(true)) return;
  log.fatal("Another Imago already runs on {folder}: stop it, or give this one its own DATA_DIR", {
    folder,
  });
  Deno.exit(75); // EX_TEMPFAIL
}

async function openDatabase(config: Config): Promise<Database> {
  const kv = await Deno.openKv(config.DATABASE_URL || `${config.DATA_DIR}/imago.kv`);
  return createDatabase(kv, Object.values(tables));
}

/** The first start tells its secrets, this once. */
async function greet({ tenants }: Services, { newAdminKey }: Secrets) {
  const first = await tenants.createFirst();
  const lines = [
    ...(newAdminKey ? [`admin_api_key=${newAdminKey}`] : []),
    ...(first ? [`api_key=${first.apiKey}`, `client_id=${first.tenant.id}`] : []),
  ];
  if (lines.length === 0) return;
  lines.push("warning=Keep what stands above: it is shown this once");
  // deno-lint-ignore no-console -- shown to the person who starts it, kept out of the logs
  console.log(lines.join("\n"));
}

function askedToEnd(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      Deno.addSignalListener(signal, () => resolve());
    }
  });
}

import deno from "../deno.json" with { type: "json" };
import { createAi } from "./ai/ai.ts";
import { createAudit } from "./audit.ts";
import { createBudgets } from "./budgets.ts";
import { createApiKeys } from "./auth/api_keys.ts";
import { sha256Of } from "./auth/key_format.ts";
import { createPasswords } from "./auth/passwords.ts";
import { createPrincipals } from "./auth/principals.ts";
import { createSessions } from "./auth/sessions.ts";
import { createTickets } from "./auth/tickets.ts";
import { createTokens } from "./auth/tokens.ts";
import { createUsers } from "./auth/users.ts";
import { createCameras } from "./cameras.ts";
import { type Clock, createIds, systemClock } from "./clock.ts";
import { type Config, ConfigError } from "./config.ts";
import { createCursors } from "./cursors.ts";
import { createDeadLetters } from "./dead_letters.ts";
import { createDrafts } from "./drafts.ts";
import type { Disk } from "./disk.ts";
import { createEncryption } from "./encryption.ts";
import { createErasures } from "./erasures.ts";
import { createEvents } from "./events.ts";
import { Problem } from "./errors.ts";
import { createExports } from "./exports.ts";
import { createFeed } from "./feed.ts";
import { createFfmpeg } from "./ffmpeg.ts";
import { createFrames } from "./frames.ts";
import { createHealth, type Part } from "./health.ts";
import { createIdempotency } from "./idempotency.ts";
import { createImages } from "./images.ts";
import type { Imaging } from "./imaging/imaging.ts";
import { createProbe } from "./imaging/probe.ts";
import { createIngest } from "./ingest.ts";
import { createJobs } from "./jobs.ts";
import type { Database, Transaction } from "./kv.ts";
import { createLeases } from "./leases.ts";
import { createLinks } from "./links.ts";
import { createLocks } from "./locks.ts";
import { createMedia } from "./media.ts";
import { createMetrics } from "./metrics.ts";
import { createSafeFetch } from "./net/safe_fetch.ts";
import type { Job } from "./model/job.ts";
import { createModels } from "./models.ts";
import { createOcr } from "./ocr/ocr.ts";
import { createPredictionFigures } from "./prediction_figures.ts";
import { createPredictions, type Predictions } from "./predictions.ts";
import { createOnnxClassifier } from "./predict/onnx_classifier.ts";
import { createPets } from "./predict/pets.ts";
import { createPetsClassifier } from "./predict/pets_classifier.ts";
import { createPseudonyms } from "./pseudonyms.ts";
import { createQueueDepth } from "./queue_depth.ts";
import { createReader } from "./reader/reader.ts";
import { createQuotas } from "./quotas.ts";
import { createRateLimits } from "./rate_limits.ts";
import type { Probe } from "./receive.ts";
import type { Retention } from "./retention.ts";
import type { Secrets } from "./secrets.ts";
import { createRecords } from "./records.ts";
import { createSignedRenders } from "./storage/signed_render.ts";
import { createSignedUrls } from "./storage/signed_url.ts";
import type { Storage } from "./storage/storage.ts";
import { createSuggestions } from "./suggestions.ts";
import { createDeliveries } from "./webhooks/deliveries.ts";
import { createFanOut } from "./webhooks/fan_out.ts";
import { createSend } from "./webhooks/send.ts";
import { createWebhooks } from "./webhooks.ts";
import { createWriter } from "./writer.ts";
import { createTenants } from "./tenants.ts";
import { createTraffic } from "./traffic.ts";
import { createTransforms } from "./transforms.ts";
import { createUploadStats } from "./upload_stats.ts";

/** Tries to sign in, by name and by address. */
const LOGINS_PER_MINUTE = 5;
const DAY_MS = 24 * 60 * 60 * 1000;

/** What `main.ts` and tests decide; the rest follows from the configuration. */
export type Foundations = {
  config: Config;
  secrets: Secrets;
  db: Database;
  storage: Storage;
  imaging: Imaging;
  /** The disk of the database; null or left out where that is elsewhere. */
  disk?: Disk | null;
  clock?: Clock;
  /** log2 of the work that a password costs, where that is not to be the standard. */
  passwordCost?: number;
  /** Names of the pipeline's steps. */
  steps: string[];
  /** Tells those who work that there is work. */
  ring: (tx: Transaction, job: Job) => void;
  /** No other process writes to this KV. */
  exclusive: boolean;
};

export type Services = ReturnType<typeof createServices>;

/** Builds everything in `lib/` once. The only file that names concrete adapters. */
export function createServices(given: Foundations) {
  const { config, secrets, db, imaging, clock = systemClock, steps, ring, exclusive } = given;
  const disk = given.disk ?? null;
  const storage = disk ? disk.guard(given.storage) : given.storage;
  const { version } = deno;
  const newId = createIds(clock);
  const locks = createLocks();
  const cores = navigator.hardwareConcurrency;
  const ticks = given.clock ? given.clock.now : () => performance.now();

  const audit = createAudit({ db, clock, newId });
  const tokens = createTokens({ clock, newId, secrets: secrets.jwtSecrets });
  const principals = createPrincipals({
    db,
    clock,
    tokens,
    adminKeySha256: secrets.adminKeySha256,
    apiTokenSha256: config.API_TOKEN ? sha256Of(config.API_TOKEN) : null,
    trustMs: exclusive ? 60_000 : 1_000,
  });
  const keys = createApiKeys({ db, clock, newId, locks, principals, audit });
  const passwords = createPasswords({ cost: given.passwordCost });
  const sessions = createSessions({
    db,
    clock,
    newId,
    locks,
    tokens,
    passwords,
    principals,
    audit,
  });
  const users = createUsers({
    db,
    clock,
    newId,
    locks,
    passwords,
    sessions,
    principals,
    audit,
  });
  const tickets = createTickets({ db, clock, principals });
  const tenants = createTenants({
    db,
    clock,
    newId,
    keys,
    principals,
    audit,
    planQuota: { standard: config.STANDARD_QUOTA_MB, premium: config.PREMIUM_QUOTA_MB },
  });
  const erasures = createErasures({ db, storage, clock, locks, principals, audit });
  const exports = createExports({ db, storage, clock, audit });
  const quotas = createQuotas({ db });
  const limits = createRateLimits({
    db,
    clock,
    locks,
    ticks,
    exclusive,
    limits: {
      default: config.RATE_LIMIT_PER_MINUTE,
      v1: config.V1_RATE_LIMIT_PER_MINUTE,
      ingest: config.INGEST_RATE_LIMIT_PER_MINUTE,
      stranger: config.RATE_LIMIT_PER_MINUTE,
      login: LOGINS_PER_MINUTE,
    },
  });
  const idempotency = createIdempotency({ db, clock, newId, exclusive });
  const feed = createFeed({ db, clock, newId });
  const jobs = createJobs({
    db,
    clock,
    newId,
    ring,
    onBuried: (step) => metrics.deadLetters.inc({ step }),
  });
  const ocr = config.OCR_ENABLED ? openOcr(config, cores) : null;
  const { ai, reason: aiReason } = createAi({
    ...aiConfig(config),
    breaker: { now: clock.now },
    observe: (provider, outcome, usage) => {
      metrics.aiCalls.inc({ provider, outcome });
      metrics.aiTokens.inc({ provider, direction: "input" }, usage?.input_tokens ?? 0);
      metrics.aiTokens.inc({ provider, direction: "output" }, usage?.output_tokens ?? 0);
    },
  });
  const budgets = createBudgets({ db, clock });
  const reader = createReader();
  const web = createSafeFetch({ kind: "web", allowedNets: config.FETCH_ALLOWED_NETS });
  const writer = createWriter({ ai, aiReason: aiReason ?? "", budgets, web, reader });
  const probe = () => readableProbe(imaging, config.MAX_PIXELS);
  const stats = createUploadStats({ db });
  const images = createImages({
    db,
    storage,
    clock,
    newId,
    locks,
    quotas,
    jobs,
    feed,
    stats,
    steps,
    probe,
  });
  const encryption = createEncryption(secrets.encryptionKeys);
  const cameraNet = createSafeFetch({ kind: "camera", allowedNets: config.FETCH_ALLOWED_NETS });
  const cameras = createCameras({
    db,
    clock,
    newId,
    encryption,
    feed,
    net: cameraNet,
    ffmpeg: createFfmpeg(),
  });
  const frames = createFrames({ clock });
  const events = createEvents({ db, clock, newId, feed, images, cameraExists: cameras.exists });
  const deadLetters = createDeadLetters({ db, jobs, images, tenants, audit, ai });
  const media = createMedia({ db, storage, clock, quotas });
  const drafts = createDrafts({ db, storage, clock, locks, media });
  const records = createRecords({ db, clock, newId, locks, images, stats });
  const ingest = createIngest({
    db,
    storage,
    imaging,
    newId,
    feed,
    drafts,
    web,
    refuse: records.refuse,
    probe,
    maxBytes: config.MAX_FILE_SIZE_MB,
    maxSide: config.MAX_DIM_PX,
    quality: config.JPEG_QUALITY,
    cores,
  });
  const suggestions = createSuggestions({ drafts, media, writer });
  const transforms = createTransforms({ db, storage, imaging, newId });
  const pseudonym = createPseudonyms(secrets.signedUrlSecret);
  const pets = createPets({ size: cores });
  const models = createModels({ db, clock, locks, pets, audit });
  const custom = config.PREDICT_MODEL_PATH
    ? createOnnxClassifier({ path: config.PREDICT_MODEL_PATH, size: cores })
    : null;
  const predictionFigures = createPredictionFigures({ db });
  const predictions = createPredictions({
    db,
    storage,
    clock,
    ticks,
    newId,
    imaging,
    probe,
    classifier: custom ?? createPetsClassifier({ pets, active: models.active }),
    writer,
    figures: predictionFigures,
    pseudonym,
    minConfidence: config.PREDICT_MIN_CONFIDENCE,
    observe(result, seconds) {
      metrics.predictions.inc({ result });
      if (seconds !== undefined) metrics.predictionSeconds.observe(seconds);
    },
  });
  const signing = {
    secrets: [secrets.signedUrlSecret, ...secrets.formerSignedUrlSecrets ?? []],
    now: clock.now,
  };
  const signedUrls = createSignedUrls(signing);
  const signedRenders = createSignedRenders(signing);
  const feedbackMs = config.FEEDBACK_RETENTION_DAYS * DAY_MS;
  const retentions: Retention[] = [
    { what: "events", keepMs: config.EVENT_RETENTION_DAYS * DAY_MS, purge: events.purge },
    { what: "audit entries", keepMs: config.AUDIT_RETENTION_DAYS * DAY_MS, purge: audit.purge },
    {
      what: "predictions",
      keepMs: config.INFERENCE_RETENTION_DAYS * DAY_MS,
      purge: predictions.purge,
    },
    { what: "feedback", keepMs: feedbackMs, purge: predictions.purgeFeedback },
    { what: "figures of predictions", keepMs: feedbackMs, purge: predictionFigures.purge },
  ];
  const links = createLinks({
    signedUrls,
    signedRenders,
    secrets: signing.secrets,
    clock,
    publicUrl: config.PUBLIC_URL,
    mediaBaseUrl: config.MEDIA_BASE_URL.replace(/\/$/, ""),
  });
  const cursors = createCursors(secrets.signedUrlSecret);
  const leases = createLeases({ db, clock });
  const receivers = createSafeFetch({
    kind: "web",
    allowedNets: config.FETCH_ALLOWED_NETS,
    clock,
  });
  const webhooks = createWebhooks({ db, clock, newId, locks, feed, audit, encryption, receivers });
  const deliveries = createDeliveries({ db, clock, feed, audit, webhooks });
  const fanOut = createFanOut({ db, feed, deliveries });
  const send = createSend({ db, clock, webhooks, receivers });

  /** Set once there is a scheduler. */
  const worker = { running: () => 0 };
  const sandboxes = () => ({
    imaging: imaging.stats(),
    reader: reader.stats(),
    predict: (custom ?? pets).stats(),
    ...(ocr && { ocr: ocr.stats() }),
  });
  const metrics = createMetrics({
    version,
    queue: createQueueDepth({ db, clock }),
    freeDisk: disk && disk.look,
    commits: () => db.commits,
    running: () => worker.running(),
    sandboxes,
  });
  const health = createHealth({
    db,
    storage,
    clock,
    version,
    describe: async () => ({
      disk: await describeDisk(disk),
      imaging: { state: "ok", detail: imaging.engineName() },
      ocr: ocr ? { state: "ok", detail: config.OCR_LANGUAGES } : { state: "off", detail: null },
      ai: ai
        ? {
          state: ai.breaker.state().state === "open" ? "failing" : "ok",
          detail: `${ai.name} ${ai.model}`,
        }
        : { state: "off", detail: aiReason },
      predict: await describeModel(predictions),
      worker: config.JOBS_ENABLED
        ? { state: "ok", detail: `${worker.running()} of ${config.WORKER_MAX_JOBS} run` }
        : { state: "off", detail: "JOBS_ENABLED is false" },
    }),
  });

  return {
    config,
    version,
    traffic: createTraffic(),
    db,
    storage,
    clock,
    locks,
    exclusive,
    audit,
    principals,
    keys,
    tokens,
    sessions,
    users,
    tickets,
    tenants,
    erasures,
    exports,
    pseudonym,
    retentions,
    limits,
    idempotency,
    quotas,
    feed,
    jobs,
    deadLetters,
    images,
    cameras,
    cameraNet,
    frames,
    events,
    media,
    drafts,
    ingest,
    suggestions,
    records,
    transforms,
    models,
    predictions,
    imaging,
    ocr,
    ai,
    aiReason: aiReason ?? "",
    budgets,
    writer,
    signedUrls,
    signedRenders,
    links,
    cursors,
    encryption,
    leases,
    webhooks,
    deliveries,
    fanOut,
    send,
    worker,
    metrics,
    health,

    /** Ends the child processes of its own and closes the database. */
    async close() {
      await Promise.all([ocr?.close(), reader.close(), pets.close(), custom?.close()]);
      db.close();
    },
  };
}

async function describeModel(predictions: Predictions): Promise<Part> {
  const about = await predictions.about();
  if (!about) return { state: "failing", detail: "the model cannot be loaded" };
  return { state: "ok", detail: about.version };
}

async function describeDisk(disk: Disk | null): Promise<Part> {
  if (!disk) return { state: "off", detail: "the records are elsewhere" };
  const free = await disk.look();
  return {
    state: disk.isFull() ? "failing" : "ok",
    detail: `${Math.floor(free / 1_048_576)} MB are free`,
  };
}

/** A probe that also refuses what the engine cannot read. */
function readableProbe(imaging: Imaging, maxPixels: number): Probe {
  const probe = createProbe({ maxPixels });
  return {
    push: probe.push,
    end() {
      const header = probe.end();
      imaging.supports(header.format);
      return header;
    },
  };
}

/** A reader holds some 200 MB: half the cores leave room for decoding beside it. */
function openOcr({ OCR_LANGUAGES }: Config, cores: number) {
  try {
    return createOcr({ languages: OCR_LANGUAGES, size: Math.ceil(cores / 2) });
  } catch (error) {
    if (error instanceof Problem) throw new ConfigError(`Cannot start: ${error.detail}`);
    throw error;
  }
}

function aiConfig(config: Config) {
  return {
    provider: config.AI_PROVIDER ?? (config.GEMINI_API_KEY ? "gemini" as const : "none" as const),
    gemini: {
      apiKey: config.GEMINI_API_KEY,
      model: config.GEMINI_MODEL,
      baseUrl: config.GEMINI_BASE_URL,
    },
    openrouter: {
      apiKey: config.OPENROUTER_API_KEY,
      model: config.OPENROUTER_MODEL,
      baseUrl: config.OPENROUTER_BASE_URL,
    },
    openai: {
      apiKey: config.OPENAI_API_KEY,
      model: config.OPENAI_MODEL,
      baseUrl: config.OPENAI_BASE_URL,
    },
    timeoutSeconds: config.AI_TIMEOUT_SECONDS,
    prices: config.AI_PRICES,
  };
}

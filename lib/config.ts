import { z } from "zod";
import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { parseNets } from "./net/addresses.ts";

const MB = 1_048_576;

const text = (description: string) => z.string().trim().optional().describe(description);
const count = (standard: number, description: string, min = 1) =>
  z.coerce.number().int().min(min).default(standard).describe(description);
const whole = (standard: number, min: number, max: number, description: string) =>
  z.coerce.number().int().min(min).max(max).default(standard).describe(description);
const megabytes = (standard: number, description: string, min = 0.001) =>
  z.coerce.number().min(min).default(standard).transform((mb) => Math.round(mb * MB))
    .describe(`${description} (MB = 1,048,576 bytes)`);
const flag = (standard: boolean, description: string) =>
  z.stringbool({ truthy: ["true", "1", "yes", "on"], falsy: ["false", "0", "no", "off"] })
    .default(standard).describe(description);
const list = (description: string) =>
  z.string().default("").transform((csv) => csv.split(",").map((s) => s.trim()).filter(Boolean))
    .describe(description);
const secret = (description: string) =>
  z.string().min(32, "must have 32 bytes or more").optional().describe(description);
const secrets = (description: string) =>
  z.string().transform((csv) => csv.split(",").map((s) => s.trim()).filter(Boolean))
    .refine((all) => all.every(({ length }) => length >= 32), "each must have 32 bytes or more")
    .optional().describe(description);
const address = (description: string) =>
  z.url({ protocol: /^https?$/ }).optional().describe(description);

const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

const prices = z.record(
  z.string(),
  z.object({ input: z.number().min(0), output: z.number().min(0) }),
);

/** Every environment variable that Imago reads: its meaning, its standard value, its check. */
const Variables = z.object({
  HOST: z.string().default("0.0.0.0").describe("Address to listen on"),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8000).describe(
    "Port to listen on; 0 takes a free one",
  ),
  DATA_DIR: z.string().regex(/^[^\s,]+$/, "must have no spaces or commas").default("./data")
    .describe(
      "Folder of the database, the pictures and the generated secrets",
    ),
  PUBLIC_URL: address(
    "Address under which the world reaches Imago, for the links that it hands out",
  ),
  CORS_ORIGINS: list("Origins of web pages that may call the API, comma-separated, or `*`"),
  TRUSTED_PROXIES: list(
    "Addresses or networks of proxies whose X-Forwarded-For counts, comma-separated: 10.0.0.0/8, ::1",
  ),
  LOG_LEVEL: z.enum(LOG_LEVELS).default("info").describe(`One of ${LOG_LEVELS.join(", ")}`),
  DEBUG: flag(false, "Coloured logs for people instead of JSON lines"),
  ADMIN_API_KEY: secret(
    "Master key for `/auth/clients`; generated at the first start if not given",
  ),
  ADMIN_PASSWORD: z.string().min(8, "must have 8 characters or more").max(256).optional().describe(
    "Password of the user `admin` that the first start makes; generated and shown once if not given",
  ),
  JWT_SECRET_KEY: secrets(
    "Signs what users carry; generated and kept in `DATA_DIR` if not given. `new,old` while it is changed: the first signs, each is accepted",
  ),
  API_TOKEN: z.string().min(12, "must have 12 characters or more").optional().describe(
    "A further key of the first tenant, of any shape",
  ),
  SIGNED_URL_SECRET: secrets(
    "Signs file links; generated and kept in `DATA_DIR` if not given. `new,old` while it is changed: the first signs, each is accepted",
  ),
  ENCRYPTION_KEY: secrets(
    "Encrypts kept secrets; generated and kept in `DATA_DIR` if not given. `new,old` to change it: the first encrypts, each decrypts",
  ),
  METRICS_TOKEN: text("When set, `/metrics` and `/health/detailed` need it as a bearer token"),
  DATABASE_URL: text("A file path for Deno KV, or a KV Connect URL; empty is `DATA_DIR/imago.kv`"),
  STORAGE_BACKEND: z.enum(["local", "s3", "kv"]).default("local").describe(
    "Where the bytes live: local (files in `DATA_DIR`), s3 (S3, MinIO, R2 …) or kv (Deno KV)",
  ),
  S3_BUCKET: text("Bucket for the bytes"),
  S3_ENDPOINT_URL: address("Address of an S3-compatible server; empty is AWS"),
  S3_REGION: z.string().default("us-east-1").describe("Region of the bucket"),
  S3_ACCESS_KEY: text("Access key for the bucket"),
  S3_SECRET_KEY: text("Secret key for the bucket"),
  AI_PROVIDER: z.enum(["gemini", "openrouter", "openai", "none"]).optional().describe(
    "Who describes pictures: gemini, openrouter, openai (any compatible address) or none; gemini if it has a key, else none",
  ),
  GEMINI_API_KEY: text("Key for Gemini"),
  GEMINI_MODEL: z.string().default("gemini-3.8-flash").describe("Model asked at Gemini"),
  GEMINI_BASE_URL: address("Another address for Gemini's API"),
  OPENROUTER_API_KEY: text("Key for OpenRouter"),
  OPENROUTER_MODEL: z.string().default("google/gemini-3.8-flash").describe(
    "Model asked at OpenRouter",
  ),
  OPENROUTER_BASE_URL: z.url().default("https://openrouter.ai/api/v1").describe(
    "Address of OpenRouter's API",
  ),
  OPENAI_API_KEY: text("Key for an OpenAI-compatible server; Ollama needs none"),
  OPENAI_MODEL: z.string().default("gpt-4o-mini").describe("Model asked at that server"),
  OPENAI_BASE_URL: z.url().default("https://api.openai.com/v1").describe(
    "Address of an OpenAI-compatible server: Ollama, vLLM, LM Studio …",
  ),
  AI_TIMEOUT_SECONDS: z.coerce.number().positive().default(30).describe(
    "Longest wait for one answer of a model",
  ),
  AI_PRICES: z.string().default("{}").transform((json, context) => {
    try {
      return prices.parse(JSON.parse(json));
    } catch {
      context.addIssue('must be JSON such as {"model": {"input": 0.3, "output": 2.5}}');
      return z.NEVER;
    }
  }).describe("Prices per model in USD per million tokens, as JSON; added to the known ones"),
  OCR_ENABLED: flag(true, "Read the text in pictures"),
  OCR_LANGUAGES: z.string().regex(/^[a-z_]+(\+[a-z_]+)*$/).default("eng+fra").describe(
    "Languages that OCR looks for, joined by `+`",
  ),
  IMAGE_ENGINE: z.enum(["auto", "sharp", "imagescript"]).default("auto").describe(
    "sharp (native), imagescript (portable), or auto: sharp where it loads",
  ),
  MAX_PIXELS: count(100_000_000, "Largest picture accepted, in pixels"),
  RENDER_ENABLED: flag(true, "Callers may ask for pictures in sizes and formats of their choice"),
  WORKER_MAX_JOBS: count(10, "Pictures in the pipeline at once"),
  WORKER_MAX_TRIES: count(3, "Tries of a step before it becomes a dead letter"),
  JOBS_ENABLED: flag(true, "This process works the queue"),
  FETCH_ALLOWED_NETS: list(
    "Networks (CIDRs) that callers may name though they are not public, comma-separated",
  ),
  MAX_UPLOAD_SIZE_MB: megabytes(50, "Largest file that an upload may carry"),
  MAX_UPLOADS_PER_REQUEST: whole(20, 1, 50, "Photos that one `/api/v1/ingest` request may bring"),
  MAX_FILE_SIZE_MB: megabytes(15, "Largest shop photo"),
  MAX_DIM_PX: whole(1600, 16, 16_383, "Longest side of a shop photo; larger ones are shrunk"),
  JPEG_QUALITY: whole(80, 1, 100, "JPEG quality of shop photos"),
  MEDIA_BASE_URL: z.string().regex(/^(https?:\/)?\/[^\s?#]+$/, "must begin with / or http")
    .default("/media").describe(
      "What shop photos' addresses begin with; Imago itself serves them under `/media`",
    ),
  PREDICT_MODEL_PATH: text(
    "An ONNX classifier that predicts instead of the built-in one, with its labels beside it",
  ),
  PREDICT_MIN_CONFIDENCE: z.coerce.number().min(0).max(1).default(0.6).describe(
    'Below this confidence a prediction is "Unknown"',
  ),
  DETECT_MODEL_PATH: text(
    "An ONNX detector (YOLOv8's layout) that names what cameras see, with its labels beside it",
  ),
  CONFIDENCE_THRESHOLD: z.coerce.number().min(0).max(1).default(0.5).describe(
    "Things that a detector is less sure of are not told",
  ),
  RATE_LIMIT_PER_MINUTE: count(
    600,
    "Requests a minute of one key, and of one address without a valid key",
  ),
  V1_RATE_LIMIT_PER_MINUTE: count(60, "Requests a minute of one key to `/api/v1/*`"),
  INGEST_RATE_LIMIT_PER_MINUTE: count(10, "Requests a minute of one key to `/api/v1/ingest/*`"),
  WS_MAX_CONNECTIONS: count(1000, "Live connections (`/ws`) at once; more are closed with 1013"),
  STANDARD_QUOTA_MB: megabytes(1024, "Storage of a standard tenant"),
  PREMIUM_QUOTA_MB: megabytes(10_240, "Storage of a premium tenant"),
  EVENT_RETENTION_DAYS: count(90, "Days that an event is kept, and a camera's frame with it"),
  FRAME_RETENTION_DAYS: count(7, "Days that a camera's pictures are kept, but for those of events"),
  FRAME_QUOTA_MB: megabytes(1024, "Pictures that a camera keeps, but for those of events"),
  INFERENCE_RETENTION_DAYS: count(180, "Days that predictions are kept"),
  FEEDBACK_RETENTION_DAYS: count(365, "Days that feedback and daily figures are kept"),
  AUDIT_RETENTION_DAYS: count(365, "Days that the audit log goes back"),
  MIN_FREE_DISK_MB: megabytes(512, "Uploads are refused when the disk has less left; 0 never", 0),
});

export type Config = z.infer<typeof Variables>;

/** Other names of variables, for those who come from elsewhere; the true name goes first. */
export const ALIASES = {
  SECRET_KEY: "JWT_SECRET_KEY",
  YOLO_MODEL_PATH: "DETECT_MODEL_PATH",
} as const;

/** Name, standard value and meaning of every variable, for the README's table and its test. */
export const VARIABLES: { name: string; standard: string; meaning: string }[] = Object.entries(
  Variables.shape,
).map(([name, field]) => {
  const standard = field instanceof z.ZodPipe
    ? (field.in instanceof z.ZodDefault ? field.in.def.defaultValue : undefined)
    : field instanceof z.ZodDefault
    ? field.def.defaultValue
    : undefined;
  return { name, standard: String(standard ?? ""), meaning: field.description ?? "" };
});

/** Variables whose values are shown to nobody. */
const SECRET = /(SECRET|_KEY|TOKEN|PASSWORD)/;

/** What is in force, for the operator to see; secrets only tell whether they are there. */
export function describeConfig(config: Config) {
  const values: Record<string, unknown> = config;
  return VARIABLES.map(({ name, standard, meaning }) => {
    const value = values[name];
    const secret = SECRET.test(name);
    const set = value !== undefined && value !== "";
    return {
      name,
      meaning,
      standard,
      secret,
      set,
      value: secret || !set ? null : written(name, value),
    };
  });
}

/** A value as it would be given; an address without the password that it may carry. */
function written(name: string, value: unknown): string {
  if (typeof value === "string") return value.replace(/\/\/[^/@\s]*@/, "//…@");
  if (Array.isArray(value)) return value.join(",");
  if (typeof value === "number" && name.endsWith("_MB")) return String(value / MB);
  return JSON.stringify(value);
}

/** Every mistake in the configuration at once, one line a variable. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * Reads the configuration from variables. Throws a `ConfigError` that names every mistake.
 *
 * ```ts
 * import { parseConfig } from "./config.ts";
 * parseConfig({ PORT: "9000" }).PORT; // 9000
 * ```
 */
export function parseConfig(environment: Record<string, string | undefined>): Config {
  const env = { ...environment };
  for (const [alias, name] of Object.entries(ALIASES)) {
    if (!env[name]?.trim()) env[name] = env[alias];
  }
  const given = Object.fromEntries(
    Object.keys(Variables.shape).flatMap((name) => env[name]?.trim() ? [[name, env[name]]] : []),
  );
  const parsed = Variables.safeParse(given);
  const mistakes = parsed.success
    ? contradictions(parsed.data)
    : parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  if (!parsed.success || mistakes.length) {
    throw new ConfigError(
      `Cannot start, the configuration has mistakes:\n  ${mistakes.join("\n  ")}`,
    );
  }
  return parsed.data;
}

/** Reads the configuration from the environment, and from `.env` where that is there. */
export function readConfig(): Config {
  const file = existsSync(".env") ? parseEnv(readFileSync(".env", "utf8")) : {};
  const names = [...VARIABLES.map(({ name }) => name), ...Object.keys(ALIASES)];
  const given = names.map((name) => [name, Deno.env.get(name) ?? file[name]]);
  return parseConfig(Object.fromEntries(given));
}

/** The records are in a KV elsewhere, which other processes may write to as well. */
export function isRemote({ DATABASE_URL }: Pick<Config, "DATABASE_URL">): boolean {
  return /^https?:/.test(DATABASE_URL ?? "");
}

const REMOTE_NEEDS = [
  "ADMIN_API_KEY",
  "JWT_SECRET_KEY",
  "SIGNED_URL_SECRET",
  "ENCRYPTION_KEY",
] as const;

function contradictions(config: Config): string[] {
  const mistakes: string[] = [];
  const need = (provider: Config["AI_PROVIDER"], name: "GEMINI_API_KEY" | "OPENROUTER_API_KEY") => {
    if (config.AI_PROVIDER === provider && !config[name]) {
      mistakes.push(`${name}: AI_PROVIDER=${provider} needs it`);
    }
  };
  try {
    parseNets(config.TRUSTED_PROXIES);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    mistakes.push(`TRUSTED_PROXIES: ${error.message}`);
  }
  need("gemini", "GEMINI_API_KEY");
  need("openrouter", "OPENROUTER_API_KEY");
  if (isRemote(config)) {
    // Each process would make its own, and refuse what the others have signed or encrypted.
    for (const name of REMOTE_NEEDS) {
      if (!config[name]) mistakes.push(`${name}: a remote KV (DATABASE_URL=https://…) needs it`);
    }
  }
  if (/^[a-z]+:\/\//.test(config.DATABASE_URL ?? "") && !/^https?:/.test(config.DATABASE_URL!)) {
    mistakes.push(
      "DATABASE_URL: Imago keeps its records in Deno KV; give a file path or a KV Connect URL (https://…)",
    );
  }
  return mistakes;
}

import { createAi } from "../ai/ai.ts";
import { createBudgets } from "../budgets.ts";
import { type Config, ConfigError } from "../config.ts";
import { Problem } from "../errors.ts";
import type { Metrics } from "../metrics.ts";
import { createSafeFetch } from "../net/safe_fetch.ts";
import { createOcr } from "../ocr/ocr.ts";
import { createReader } from "../reader/reader.ts";
import { createWriter } from "../writer.ts";
import type { Base } from "./base.ts";

/** What reads pictures and pages, and what asks models about them. */
export function createWriting({ config, db, clock, cores }: Base, metrics: Metrics) {
  const ocr = config.OCR_ENABLED ? openOcr(config, cores) : null;
  const reader = createReader();
  const web = createSafeFetch({ kind: "web", allowedNets: config.FETCH_ALLOWED_NETS });
  const budgets = createBudgets({ db, clock });
  const { ai, reason } = createAi({
    ...aiConfig(config),
    breaker: { now: clock.now },
    observe(provider, outcome, usage) {
      metrics.aiCalls.inc({ provider, outcome });
      metrics.aiTokens.inc({ provider, direction: "input" }, usage?.input_tokens ?? 0);
      metrics.aiTokens.inc({ provider, direction: "output" }, usage?.output_tokens ?? 0);
    },
  });
  /** Why there is no provider; "" where there is one. */
  const aiReason = reason ?? "";
  return {
    ocr,
    reader,
    web,
    budgets,
    ai,
    aiReason,
    writer: createWriter({ ai, aiReason, budgets, web, reader }),
  };
}

export type Writing = ReturnType<typeof createWriting>;

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

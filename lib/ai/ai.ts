import { type BreakerOptions, withBreaker } from "./breaker.ts";
import { createGemini } from "./gemini.ts";
import { createOpenAi } from "./openai.ts";
import { createMeter, type Meter, type Prices } from "./pricing.ts";
import { AiFailure, type FailureKind } from "./failure.ts";
import type { Generate, Usage } from "./generate.ts";
import { type AiProvider, createProvider } from "./provider.ts";

export type AiConfig = {
  provider: "gemini" | "openrouter" | "openai" | "none";
  gemini?: Endpoint;
  openrouter?: Endpoint;
  openai?: Endpoint;
  /** Seconds that one call may take; 30 where left out. */
  timeoutSeconds?: number;
  /** Beside the known ones. */
  prices?: Prices;
  breaker?: BreakerOptions;
  /** Told of each call that was sent, for metrics; `outcome` is ok or the kind of failure. */
  observe?: (
    provider: string,
    outcome: FailureKind | "ok" | "abandoned",
    usage: Usage | null,
  ) => void;
};

/** What is left out has a default, but for the keys of Gemini and OpenRouter. */
type Endpoint = { apiKey?: string; model?: string; baseUrl?: string };

/** Builds the configured provider behind its breaker, or says why there is none. */
export function createAi(
  config: AiConfig,
): { ai: AiProvider; reason: null } | { ai: null; reason: string } {
  const { provider: name, prices, breaker } = config;
  if (name === "none") return { ai: null, reason: "no AI provider is configured" };
  const { model = MODELS[name], ...endpoint } = config[name] ?? {};
  if (name !== "openai" && !endpoint.apiKey) return { ai: null, reason: `${name} has no API key` };
  const meter = createMeter(model, prices);
  const timeoutMs = (config.timeoutSeconds ?? 30) * 1000;
  const asked = adapter(name, { ...endpoint, model, timeoutMs }, meter);
  const generate = observed(asked, (...call) => config.observe?.(name, ...call));
  const ai = createProvider({ name, model, meter, breaker: withBreaker(generate, breaker) });
  return { ai, reason: null };
}

/** The same, telling how each call ended. */
function observed(
  generate: Generate,
  tell: (outcome: FailureKind | "ok" | "abandoned", usage: Usage | null) => void,
): Generate {
  return async (request) => {
    try {
      const generated = await generate(request);
      tell("ok", generated.usage);
      return generated;
    } catch (error) {
      if (error instanceof AiFailure) tell(error.kind, error.usage);
      else tell("abandoned", null);
      throw error;
    }
  };
}

const MODELS = {
  gemini: "gemini-3.8-flash",
  openrouter: "google/gemini-3.8-flash",
  openai: "gpt-4o-mini",
};

const ADDRESSES = {
  openrouter: "https://openrouter.ai/api/v1",
  openai: "https://api.openai.com/v1",
};

function adapter(
  name: keyof typeof MODELS,
  { apiKey, baseUrl, ...rest }: Endpoint & { model: string; timeoutMs: number },
  meter: Meter,
): Generate {
  if (name === "gemini") return createGemini({ apiKey: apiKey ?? "", baseUrl, ...rest }, meter);
  return createOpenAi({ apiKey, baseUrl: baseUrl ?? ADDRESSES[name], ...rest }, meter);
}

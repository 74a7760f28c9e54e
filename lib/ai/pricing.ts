import type { Usage } from "./generate.ts";

/** USD per million tokens, by model; `output` includes what a model thinks. */
export type Prices = Record<string, { input: number; output: number }>;

/**
 * List prices of the models that Imago names by default. `gemini-3.8-flash` costs half until the
 * end of 2026; the list price keeps a budget from being exceeded afterwards.
 */
export const KNOWN_PRICES: Prices = {
  "gemini-3.8-flash": { input: 1.5, output: 7.5 },
  "gpt-4o-mini": { input: 0.15, output: 0.6 },
};

/** What a provider tells of a call. */
export type Consumption = {
  input_tokens: number;
  output_tokens: number;
  /** The model that answered, as the provider names it. */
  model?: string;
  /** USD, where the provider says so itself. */
  cost?: number;
};

export type Meter = (consumption: Consumption) => Usage;

/**
 * Makes the function that turns what a provider tells into a usage. The provider's own cost wins;
 * else it is computed, by the model that answered or the one that was asked; else it is unknown,
 * null. A vendor's name before the model (`google/…`) is ignored when the whole name has no price.
 */
export function createMeter(asked: string, overrides: Prices = {}): Meter {
  const prices = new Map(Object.entries({ ...KNOWN_PRICES, ...overrides }));
  const price = (model: string) => prices.get(model) ?? prices.get(model.replace(/^.*\//, ""));
  return ({ input_tokens, output_tokens, model, cost }) => {
    const answered = model && SANE_NAME.test(model) ? model : asked;
    const known = price(answered) ?? price(asked);
    const computed = known
      ? (input_tokens * known.input + output_tokens * known.output) / 1_000_000
      : null;
    return { input_tokens, output_tokens, cost: cost ?? computed, model: answered };
  };
}

// What a provider calls itself is stored and shown, so it has to look like a model's name.
const SANE_NAME = /^[\w.:/@-]{1,100}$/;

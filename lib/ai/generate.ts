/** Asks one model once: the only thing that an adapter does. Throws `AiFailure`. */
export type Generate = (request: GenerateRequest) => Promise<Generated>;

export type GenerateRequest = CallOptions & {
  system: string;
  text: string;
  pictures: Picture[];
  /** The JSON schema of the wanted answer. */
  schema: Record<string, unknown>;
  /** A model's thoughts count. */
  maxOutputTokens: number;
};

export type Generated = { text: string; usage: Usage };

/** A JPEG of at most about 2048 px, without metadata: never the original. */
export type Picture = { jpeg: Uint8Array };

/** What a call used. `output_tokens` includes thoughts; `cost` is in USD, null where unknown. */
export type Usage = {
  input_tokens: number;
  output_tokens: number;
  cost: number | null;
  model: string;
};

/** `timeoutMs` shortens the configured one. */
export type CallOptions = { signal?: AbortSignal; timeoutMs?: number };

import OpenAI from "openai";
import { z } from "zod";
import { exchange, unreadable, type Wire } from "./exchange.ts";
import { AiFailure, cutOff, declined, refused } from "./failure.ts";
import type { Meter } from "./pricing.ts";
import type { Generate, Generated, GenerateRequest } from "./generate.ts";

export type OpenAiConfig = { apiKey?: string; model: string; baseUrl: string; timeoutMs: number };

/** From the strictest way of asking for a shape to none: not every server knows every one. */
const FORMATS = ["json_schema", "json_object", "text"] as const;
type Format = typeof FORMATS[number];

/**
 * Asks any server that speaks OpenAI's chat completions: OpenRouter, Ollama, vLLM, LM Studio.
 * Where a server refuses a format, the next is tried, and remembered once it worked.
 */
export function createOpenAi(config: OpenAiConfig, meter: Meter): Generate {
  let best = 0;
  return async (request) => {
    for (let at = best;; at++) {
      try {
        const generated = await ask(config, meter, request, FORMATS[at] ?? "text");
        best = Math.max(best, at);
        return generated;
      } catch (error) {
        const unsupported = error instanceof AiFailure && error.kind === "format";
        if (!unsupported || at >= FORMATS.length - 1) throw error;
      }
    }
  };
}

function ask(config: OpenAiConfig, meter: Meter, request: GenerateRequest, format: Format) {
  const timeoutMs = Math.min(request.timeoutMs ?? config.timeoutMs, config.timeoutMs);
  return exchange({ signal: request.signal, timeoutMs }, async (wire) => {
    const reply = await clientOf(config, wire).chat.completions.create({
      model: config.model,
      messages: [
        { role: "system", content: systemOf(request, format) },
        { role: "user", content: contentOf(request) },
      ],
      response_format: formatOf(request, format),
      ...limitOf(config, request.maxOutputTokens),
    }, { signal: wire.signal });
    return read(reply, meter);
  });
}

/** Nothing is left to the SDK's own habits: no environment, no retries, no deadline, no logs. */
function clientOf({ apiKey, baseUrl }: OpenAiConfig, { fetch }: Wire): OpenAI {
  return new OpenAI({
    apiKey: apiKey || "none",
    baseURL: baseUrl,
    organization: null,
    project: null,
    maxRetries: 0,
    timeout: 2 ** 31 - 1,
    logLevel: "off",
    // Ollama has no keys.
    defaultHeaders: apiKey ? {} : { authorization: null },
    fetch,
  });
}

/** Without a schema of its own, the request's words have to carry it. */
function systemOf({ system, schema }: GenerateRequest, format: Format): string {
  if (format === "json_schema") return system;
  return `${system}\nThe JSON schema of the answer:\n${JSON.stringify(schema)}`;
}

function contentOf({ text, pictures }: GenerateRequest) {
  if (!pictures.length) return text;
  const images = pictures.map(({ jpeg }) => ({
    type: "image_url" as const,
    image_url: { url: `data:image/jpeg;base64,${jpeg.toBase64()}` },
  }));
  return [...images, { type: "text" as const, text }];
}

function formatOf({ schema }: GenerateRequest, format: Format) {
  if (format === "text") return undefined;
  if (format === "json_object") return { type: format };
  return { type: format, json_schema: { name: "answer", strict: true, schema } };
}

/** OpenAI's newer models refuse `max_tokens`; most other servers know nothing else. */
function limitOf({ baseUrl }: OpenAiConfig, tokens: number) {
  const official = new URL(baseUrl).hostname === "api.openai.com";
  return official ? { max_completion_tokens: tokens } : { max_tokens: tokens };
}

const Tokens = z.number().int().nonnegative().nullish().transform((count) => count ?? 0);
const Reply = z.object({
  /** OpenRouter reports a failure behind it with status 200. */
  error: z.object({ code: z.number().int().optional() }).nullish(),
  choices: z.array(z.object({
    finish_reason: z.string().nullish(),
    message: z.object({ content: z.string().nullish(), refusal: z.string().nullish() }),
  })).default([]),
  usage: z.object({
    prompt_tokens: Tokens,
    completion_tokens: Tokens,
    /** OpenRouter: USD. */
    cost: z.number().nonnegative().optional().catch(undefined),
  }).nullish(),
  model: z.string().optional(),
});

function read(reply: unknown, meter: Meter): Generated {
  const { data, error } = Reply.safeParse(reply);
  if (error) throw unreadable("it has another form");
  if (data.error) throw refused(data.error.code ?? 502, new Headers(), "");
  const usage = meter({
    input_tokens: data.usage?.prompt_tokens ?? 0,
    output_tokens: data.usage?.completion_tokens ?? 0,
    cost: data.usage?.cost,
    model: data.model,
  });
  const choice = data.choices[0];
  if (!choice) throw unreadable("it has another form");
  if (choice.message.refusal || choice.finish_reason === "content_filter") throw declined(usage);
  if (choice.finish_reason === "length") throw cutOff(usage);
  return { text: choice.message.content ?? "", usage };
}

import { GoogleGenAI, type Part, ThinkingLevel } from "@google/genai/web";
import { z } from "zod";
import { exchange, unreadable } from "./exchange.ts";
import { cutOff, declined } from "./failure.ts";
import type { Meter } from "./pricing.ts";
import type { Generate, Generated, GenerateRequest } from "./generate.ts";

export type GeminiConfig = { apiKey: string; model: string; baseUrl?: string; timeoutMs: number };

/** Asks Gemini: https://ai.google.dev/api/generate-content */
export function createGemini(config: GeminiConfig, meter: Meter): Generate {
  const client = new GoogleGenAI({
    apiKey: config.apiKey,
    // `v1` lags behind with schemas and thinking.
    apiVersion: "v1beta",
    httpOptions: { baseUrl: config.baseUrl ?? "https://generativelanguage.googleapis.com" },
  });
  return ({ signal, timeoutMs = config.timeoutMs, ...request }) =>
    exchange({ signal, timeoutMs: Math.min(timeoutMs, config.timeoutMs) }, async (wire) => {
      const reply = await client.models.generateContent({
        model: config.model,
        contents: [{ role: "user", parts: partsOf(request) }],
        config: {
          systemInstruction: request.system,
          responseMimeType: "application/json",
          responseJsonSchema: request.schema,
          maxOutputTokens: request.maxOutputTokens,
          thinkingConfig: thinking(config.model),
          abortSignal: wire.signal,
          httpOptions: { fetch: wire.fetch },
        },
      });
      return read(reply, meter);
    });
}

function partsOf({ text, pictures }: Pick<GenerateRequest, "text" | "pictures">): Part[] {
  return [
    ...pictures.map(({ jpeg }) => ({
      inlineData: { mimeType: "image/jpeg", data: jpeg.toBase64() },
    })),
    { text },
  ];
}

/** Models before Gemini 3 refuse a level; from then on, little thought is right for our tasks. */
function thinking(model: string) {
  return /gemini-([3-9]|\d\d)/.test(model) ? { thinkingLevel: ThinkingLevel.LOW } : undefined;
}

const Tokens = z.number().int().nonnegative().nullish().transform((count) => count ?? 0);
const Reply = z.object({
  promptFeedback: z.object({ blockReason: z.string().optional() }).optional(),
  candidates: z.array(z.object({
    finishReason: z.string().optional(),
    content: z.object({
      parts: z.array(z.object({ text: z.string().optional(), thought: z.boolean().optional() }))
        .optional(),
    }).optional(),
  })).optional(),
  usageMetadata: z.object({
    promptTokenCount: Tokens,
    candidatesTokenCount: Tokens,
    thoughtsTokenCount: Tokens,
  }).default({ promptTokenCount: 0, candidatesTokenCount: 0, thoughtsTokenCount: 0 }),
  modelVersion: z.string().optional(),
});

function read(reply: unknown, meter: Meter): Generated {
  const { data, error } = Reply.safeParse(reply);
  if (error) throw unreadable("it has another form");
  const { usageMetadata: tokens, modelVersion, candidates, promptFeedback } = data;
  const usage = meter({
    input_tokens: tokens.promptTokenCount,
    output_tokens: tokens.candidatesTokenCount + tokens.thoughtsTokenCount,
    model: modelVersion,
  });
  const candidate = candidates?.[0];
  const finish = promptFeedback?.blockReason ? "SAFETY" : candidate?.finishReason;
  if (!finish && !candidate) throw unreadable("it has another form");
  if (finish && REFUSALS.has(finish)) throw declined(usage);
  if (finish === "MAX_TOKENS") throw cutOff(usage);
  const parts = candidate?.content?.parts ?? [];
  return {
    text: parts.filter((part) => !part.thought).map((part) => part.text ?? "").join(""),
    usage,
  };
}

const REFUSALS = new Set([
  "SAFETY",
  "RECITATION",
  "BLOCKLIST",
  "PROHIBITED_CONTENT",
  "SPII",
  "IMAGE_SAFETY",
  "LANGUAGE",
]);

/** How the fake provider behaves. */
export type Mode = "ok" | "flap" | "safety" | "cutoff" | keyof typeof BROKEN | keyof typeof SPOKEN;

export type FakeRequest = {
  dialect: "gemini" | "openai";
  path: string;
  headers: Headers;
  body: Record<string, unknown>;
  /** The request's text parts, system words first. */
  system: string;
  text: string;
  pictures: string[];
};

export type FakeAi = ReturnType<typeof startFakeAi>;

export type FakeAiOptions = {
  mode?: Mode | ((request: FakeRequest, index: number) => Mode);
  /** Formats that the OpenAI side refuses, as smaller servers do. */
  refuses?: ("json_schema" | "json_object")[];
  /** OpenRouter's `usage.cost`. */
  cost?: number;
  /** Laid over the made-up answer. */
  answer?: Record<string, unknown>;
};

/** In the replies that no caller may ever see. */
export const SECRET_CANARY = "sk-SECRET-CANARY";

/**
 * A provider on loopback that speaks Gemini's `:generateContent` and OpenAI's `/chat/completions`.
 * Its answers fit whatever schema a request carries. `close()` also ends what hangs.
 */
export function startFakeAi(options: FakeAiOptions = {}) {
  let mode = options.mode ?? "ok";
  const requests: FakeRequest[] = [];
  const closing = new AbortController();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const asked = await parse(request);
      const index = requests.push(asked) - 1;
      const current = typeof mode === "function" ? mode(asked, index) : mode;
      return await reply(current, asked, index, options, closing.signal);
    },
  );
  const origin = `http://127.0.0.1:${server.addr.port}`;
  return {
    geminiBaseUrl: origin,
    openaiBaseUrl: `${origin}/v1`,
    requests,
    setMode(next: NonNullable<FakeAiOptions["mode"]>): void {
      mode = next;
    },
    async close(): Promise<void> {
      closing.abort();
      await server.shutdown();
    },
  };
}

async function parse(request: Request): Promise<FakeRequest> {
  const path = new URL(request.url).pathname;
  const body: Record<string, unknown> = await request.json();
  const dialect = path.endsWith(":generateContent") ? "gemini" : "openai";
  return { dialect, path, headers: request.headers, body, ...wordsOf(dialect, body) };
}

type Parts = { text?: string; inlineData?: { data: string }; image_url?: { url: string } }[];

function wordsOf(dialect: "gemini" | "openai", body: Record<string, unknown>) {
  const [system, user] = dialect === "gemini" ? geminiParts(body) : openaiParts(body);
  const pictures = user.map((part) => part.inlineData?.data ?? part.image_url?.url.split(",")[1]);
  return {
    system: system.map((part) => part.text ?? "").join("\n"),
    text: user.map((part) => part.text ?? "").join("\n"),
    pictures: pictures.filter((data) => data !== undefined),
  };
}

function geminiParts(body: Record<string, unknown>): [Parts, Parts] {
  const { systemInstruction, contents } = body as {
    systemInstruction: { parts: Parts };
    contents: { parts: Parts }[];
  };
  return [systemInstruction.parts, contents.flatMap(({ parts }) => parts)];
}

function openaiParts(body: Record<string, unknown>): [Parts, Parts] {
  const { messages } = body as { messages: { role: string; content: string | Parts }[] };
  const of = (role: string) =>
    messages.filter((message) => message.role === role).flatMap(({ content }) =>
      typeof content === "string" ? [{ text: content }] : content
    );
  return [of("system"), of("user")];
}

function reply(
  mode: Mode,
  asked: FakeRequest,
  index: number,
  options: FakeAiOptions,
  closing: AbortSignal,
): Response | Promise<Response> {
  const refused = refusedFormat(asked, options);
  if (refused) return refused;
  if (isBroken(mode)) return BROKEN[mode](closing);
  if (mode === "flap" && index % 3 !== 2) return json(500, "flap");
  return envelope(asked, options, mode);
}

function isBroken(mode: Mode): mode is keyof typeof BROKEN {
  return mode in BROKEN;
}

const RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo";
const JSON_TYPE = { "content-type": "application/json" };

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { ...JSON_TYPE, ...headers } });
}

function raw(body: string): Response {
  return new Response(body, { headers: JSON_TYPE });
}

/** Replies that hold no answer of a model. */
const BROKEN = {
  "400": () => json(400, { error: { message: `bad picture ${SECRET_CANARY}` } }),
  "401": () => json(401, { error: { message: `bad key ${SECRET_CANARY}` } }),
  "402": () => json(402, { error: { message: `no credit ${SECRET_CANARY}` } }),
  "403": () => json(403, { error: { message: `forbidden ${SECRET_CANARY}` } }),
  "404": () => json(404, { error: { message: `no model ${SECRET_CANARY}` } }),
  badkey: () =>
    json(400, { error: { details: [{ reason: "API_KEY_INVALID", key: SECRET_CANARY }] } }),
  flagged: () =>
    json(403, { error: { metadata: { reasons: ["x"], flagged_input: SECRET_CANARY } } }),
  "429": () => json(429, { error: { type: "rate_limit" } }, { "retry-after": "7" }),
  "429big": () => json(429, {}, { "retry-after": "999999999" }),
  "429info": () =>
    json(429, { error: { details: [{ "@type": RETRY_INFO, retryDelay: "13.5s" }] } }),
  "500": () => json(500, { error: SECRET_CANARY }),
  "503": () => json(503, { error: SECRET_CANARY }),
  redirect: () => json(307, {}, { location: "/elsewhere" }),
  error200: () => json(200, { error: { code: 503, message: SECRET_CANARY } }),
  hang: (closing: AbortSignal) =>
    new Promise<Response>((resolve) =>
      closing.addEventListener("abort", () => resolve(json(503, {})))
    ),
  drip: (closing: AbortSignal) => new Response(drip(closing), { headers: JSON_TYPE }),
  garbage: () => raw('{"choices":[{"mess'),
  html: () => new Response("<h1>Bad gateway</h1>", { headers: { "content-type": "text/html" } }),
  trunc: () => broken('{"choices":[{"message":{"con'),
  huge: (closing: AbortSignal) => new Response(huge(closing), { headers: JSON_TYPE }),
  empty: () => raw(""),
  noenvelope: () => json(200, ["oops"]),
};

function refusedFormat({ dialect, body }: FakeRequest, { refuses = [] }: FakeAiOptions) {
  const { type } = (body.response_format ?? {}) as { type?: "json_schema" | "json_object" };
  if (dialect === "gemini" || !type || !refuses.includes(type)) return undefined;
  return json(400, { error: { message: `This response_format type is unavailable: ${type}` } });
}

/** One space at a time, for as long as somebody listens. */
function drip(closing: AbortSignal): ReadableStream<Uint8Array> {
  let timer: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream({
    start(controller) {
      timer = setInterval(() => controller.enqueue(new Uint8Array([32])), 10);
      closing.addEventListener("abort", () => {
        clearInterval(timer);
        controller.close();
      });
    },
    cancel: () => clearInterval(timer),
  });
}

/** Up to 100 MB of a JSON string. */
function huge(closing: AbortSignal): ReadableStream<Uint8Array> {
  const chunk = new TextEncoder().encode("x".repeat(65_536));
  let left = 1_600;
  return new ReadableStream({
    pull(controller) {
      if (closing.aborted || left-- === 0) return controller.close();
      controller.enqueue(chunk);
    },
  });
}

/** Promises more than it sends, so that the connection breaks. */
function broken(start: string): Response {
  const headers = { ...JSON_TYPE, "content-length": String(start.length + 100) };
  return new Response(new Blob([start]).stream(), { headers });
}

function envelope(asked: FakeRequest, options: FakeAiOptions, mode: Mode): Response {
  const text = textFor(asked, options, mode);
  return json(
    200,
    asked.dialect === "gemini" ? geminiReply(text, mode) : openaiReply(text, mode, options),
  );
}

function geminiReply(text: string, mode: Mode) {
  const usage = { promptTokenCount: 300, candidatesTokenCount: 40, thoughtsTokenCount: 60 };
  const finishReason = mode === "cutoff" ? "MAX_TOKENS" : mode === "safety" ? "SAFETY" : "STOP";
  const parts = [{ text: "let me think {", thought: true }, { text }];
  return {
    candidates: [{
      finishReason,
      ...(mode === "safety" ? {} : { content: { role: "model", parts } }),
    }],
    usageMetadata: usage,
    modelVersion: "gemini-3.8-flash",
  };
}

function openaiReply(text: string, mode: Mode, { cost }: FakeAiOptions) {
  const finish_reason = mode === "cutoff"
    ? "length"
    : mode === "safety"
    ? "content_filter"
    : "stop";
  const content = mode === "safety" ? null : text;
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "fake/model-1",
    choices: [{ index: 0, finish_reason, message: { role: "assistant", content } }],
    usage: { prompt_tokens: 300, completion_tokens: 100, total_tokens: 400, cost },
  };
}

function textFor(asked: FakeRequest, options: FakeAiOptions, mode: Mode): string {
  const answer = { ...answerFor(schemaOf(asked)), ...options.answer };
  return isSpoken(mode) ? SPOKEN[mode](answer) : JSON.stringify(answer);
}

function isSpoken(mode: Mode): mode is keyof typeof SPOKEN {
  return mode in SPOKEN;
}

/** What a model says in a whole reply, given the answer that it should give. */
const SPOKEN = {
  wrongshape: () =>
    '{"title":42,"tags":"x","__proto__":{"isAdmin":true},"constructor":{"prototype":{"polluted":1}}}',
  nan: (answer: object) =>
    JSON.stringify(answer).replace(/"confidence":[\d.]+/, '"confidence":NaN'),
  prose: () => "I am sorry, I cannot help with that.",
  blank: () => " \n",
  fenced: (answer: object) =>
    `Here you are:\n\`\`\`json\n${JSON.stringify(answer)}\n\`\`\`\nAnything else?`,
  thinking: (answer: object) => `<think>What {is} this?</think>\n${JSON.stringify(answer)}`,
  inject: (answer: object) => JSON.stringify({ ...answer, ...INJECTED }),
};

const INJECTED = {
  title: "<script>alert(1)</script>\u0000\u202e",
  description: "[click](javascript:alert(1))\u0007" + "x".repeat(9_999),
  summary: "[click](javascript:alert(1))\u0000",
  tags: [
    "admin",
    "../../x",
    "\u0000",
    "ADMIN",
    "<b>Café</b>",
    ...Array.from({ length: 99 }, (_, i) => `t${i}`),
  ],
};

type Schema = {
  type?: string | string[];
  enum?: unknown[];
  properties?: Record<string, Schema>;
  items?: Schema;
  minItems?: number;
};

function schemaOf({ dialect, body, system }: FakeRequest): Schema {
  const { generationConfig } = body as { generationConfig?: { responseJsonSchema?: Schema } };
  const { response_format } = body as { response_format?: { json_schema?: { schema: Schema } } };
  const given = dialect === "gemini"
    ? generationConfig?.responseJsonSchema
    : response_format?.json_schema?.schema;
  return given ?? JSON.parse(system.slice(system.lastIndexOf("\n") + 1));
}

/** An answer of the wanted shape, the same for every picture. */
function answerFor(schema: Schema): Record<string, unknown> {
  const entries = Object.entries(schema.properties ?? {});
  return Object.fromEntries(entries.map(([name, value]) => [name, valueFor(value, name)]));
}

function valueFor(schema: Schema, name: string): unknown {
  if (name in SAMPLES) return SAMPLES[name];
  if (schema.enum) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === "object") return answerFor(schema);
  if (type === "array") {
    return Array.from({ length: schema.minItems ?? 2 }, () => valueFor(schema.items ?? {}, name));
  }
  return type === "number" ? 0.5 : `A fake ${name}`;
}

const SAMPLES: Record<string, unknown> = {
  description: "A café terrace in the afternoon.",
  tags: ["Café", "terrace", "café", "paris"],
  confidence: 0.97,
  text: "Café de Flore",
  language: "fr",
  price_suggested: 12.5,
};

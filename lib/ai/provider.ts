import { jsonSchemaOf, readAnswer } from "./answers.ts";
import type { Breaker } from "./breaker.ts";
import type { CallOptions, Picture, Usage } from "./generate.ts";
import type { Meter } from "./pricing.ts";
import { frame } from "./prompts.ts";
import * as tasks from "./tasks.ts";

export type Answer<Value> = { value: Value; usage: Usage };

/** Everything that Imago asks models for. Each method is one call, or `AiFailure`. */
export type AiProvider = ReturnType<typeof createProvider>;

export type ProviderDeps = { name: string; model: string; breaker: Breaker; meter: Meter };

/** Builds the tasks of `tasks.ts` on one model. */
export function createProvider({ name, model, breaker, meter }: ProviderDeps) {
  async function run<Input, Value>(
    task: tasks.Task<Input, Value>,
    input: Input,
    pictures: Picture[],
    { signal, timeoutMs }: CallOptions,
  ): Promise<Answer<Value>> {
    const { text, usage } = await breaker.generate({
      ...frame(task.question(input)),
      pictures,
      schema: jsonSchemaOf(task.answer),
      maxOutputTokens: task.maxOutputTokens,
      signal,
      timeoutMs,
    });
    return { value: readAnswer(text, task.answer, usage), usage };
  }

  return {
    /** gemini, openrouter or openai. */
    name,
    /** The model that is asked; a usage names the one that answered. */
    model,
    breaker,

    describe: (
      picture: Picture,
      { ocrText, exif, language, ...call }: With<tasks.DescribeInput> = {},
    ) => run(tasks.describe, { ocrText, exif, language }, [picture], call),

    readText: (picture: Picture, call: CallOptions = {}) =>
      run(tasks.readText, {}, [picture], call),

    summarize: (
      page: Omit<tasks.SummarizeInput, "language">,
      { language, ...call }: With<Language> = {},
    ) => run(tasks.summarize, { ...page, language }, [], call),

    draftTask: (
      task: Omit<tasks.DraftTaskInput, "language">,
      { language, ...call }: With<Language> = {},
    ) => run(tasks.draftTask, { ...task, language }, [], call),

    draftListing: (
      pictures: Picture[],
      { title, language, currency, ...call }: With<tasks.DraftListingInput> = {},
    ) => run(tasks.draftListing, { title, language, currency }, pictures, call),

    classify: (picture: Picture, labels: readonly string[], call: CallOptions = {}) =>
      run(tasks.classify(labels), {}, [picture], call),

    detect: (picture: Picture, call: CallOptions = {}) => run(tasks.detect, {}, [picture], call),

    /**
     * About the most that one call can use, to reserve from a budget beforehand; the answer's
     * usage, or a failure's, settles it. `characters` is the length of all texts handed in.
     */
    atMost: (task: keyof typeof tasks.PROMPT_VERSIONS, { pictures = 0, characters = 0 } = {}) => {
      const { maxOutputTokens } = task === "classify" ? tasks.classify([]) : tasks[task];
      const input_tokens = PROMPT_TOKENS + pictures * PICTURE_TOKENS + Math.ceil(characters / 2);
      return meter({ input_tokens, output_tokens: maxOutputTokens });
    },
  };
}

type Language = { language?: string };
type With<Input> = Input & CallOptions;

/** Imago's own words and the schema, rounded up. */
const PROMPT_TOKENS = 1_000;
/** A picture of 2048 px, rounded up: Gemini counts 258 for each tile of 768 px. */
const PICTURE_TOKENS = 2_600;

import { z } from "zod";
import { cleanProse, line, prose, share, tags } from "./answers.ts";
import { FRAME_VERSION, languageName, type Question } from "./prompts.ts";

const MAX_THINGS = 50;
const thousandth = z.number().transform((value) => Math.min(1000, Math.max(0, value)));

/** One thing that a model is asked to do. Raise `version` with any change of the words or shape. */
export type Task<Input, Value> = {
  version: number;
  maxOutputTokens: number;
  answer: z.ZodType<Value>;
  question(input: Input): Question;
};

export const describe = defineTask({
  version: 1,
  maxOutputTokens: 2_048,
  answer: z.object({
    description: prose(2_000).describe("Two to four sentences about what the picture shows"),
    tags: tags.describe("5 to 12 single words or short terms, lower case, most telling first"),
    confidence: share.describe("0..1: how sure you are of the description"),
  }),
  question: ({ language, ocrText, exif }: DescribeInput) => ({
    task: `Describe the picture and tag it, in ${languageName(language) ?? "English"}.`,
    data: {
      "text read in the picture": excerpt(ocrText, 4_000),
      "camera data": excerpt(exif, 2_000),
    },
  }),
});
export type DescribeInput = { language?: string; ocrText?: string; exif?: string };
export type Description = z.infer<typeof describe.answer>;

export const readText = defineTask({
  version: 1,
  maxOutputTokens: 8_192,
  answer: z.object({
    text: z.string().transform((text) => cleanProse(text, 20_000)),
    language: z.string().nullable().transform(languageCode).describe(
      "ISO 639-1, null without text",
    ),
    confidence: share.describe("0..1: how legible the text is"),
  }).transform((page) => ({ has_text: page.text !== "", ...page })),
  question: (_: { language?: string }) => ({
    task:
      "Transcribe all text in the picture exactly as written, top to bottom, keeping line breaks and " +
      "its own language. An empty text where there is none.",
  }),
});
export type PageText = z.infer<typeof readText.answer>;

export const summarize = defineTask({
  version: 1,
  maxOutputTokens: 4_096,
  answer: z.object({
    title: line(300),
    summary: prose(4_000).describe("3 to 8 sentences, plain text"),
    language: line(40).describe("The name of the language that the summary is written in"),
  }),
  question: ({ title, text, url, language }: SummarizeInput) => ({
    task: `Give the web page a title and summarize it, in ${
      languageName(language) ?? "the page's own language"
    }.`,
    data: {
      "address": excerpt(url, 2_000),
      "title": excerpt(title, 500),
      "text": excerpt(text, 40_000),
    },
  }),
});
export type SummarizeInput = { title?: string; text: string; url?: string; language?: string };
export type Summary = z.infer<typeof summarize.answer>;

export const draftTask = defineTask({
  version: 1,
  maxOutputTokens: 4_096,
  answer: z.object({
    title: line(160),
    description: prose(4_000),
    steps: z.array(line(500)).transform((steps) => steps.slice(0, 20)).describe(
      "3 to 10 steps, in order",
    ),
    priority: z.enum(["low", "medium", "high"]),
    estimate: line(80).describe('A duration in words, as "2 hours" or "3 days"'),
    tags,
  }),
  question: ({ description, context, language }: DraftTaskInput) => ({
    task: "Write up the task that the data describes, so that somebody can start on it, " +
      `in ${languageName(language) ?? "the language of its description"}.`,
    data: { "description": excerpt(description, 10_000), "context": excerpt(context, 10_000) },
  }),
});
export type DraftTaskInput = { description: string; context?: string; language?: string };
export type TaskDraft = z.infer<typeof draftTask.answer>;

export const draftListing = defineTask({
  version: 1,
  maxOutputTokens: 4_096,
  answer: z.object({
    title: line(160).describe("What, brand, colour, size, as far as they can be seen"),
    description: prose(4_000).describe("Honest, visible flaws included"),
    price_suggested: z.number().nullable().transform(price).describe(
      "Second-hand; null where you cannot tell",
    ),
    category: line(80),
  }),
  question: ({ title, language, currency }: DraftListingInput) => ({
    task: "The pictures show one item for sale second-hand. Draft its listing, " +
      `in ${languageName(language) ?? "English"}, with a price in ${
        languageName(currency) ?? "EUR"
      }.`,
    data: { "the seller's title": excerpt(title, 160) },
  }),
});
export type DraftListingInput = { title?: string; language?: string; currency?: string };
export type ListingDraft = z.infer<typeof draftListing.answer>;

/** Scores come back by position: labels are a stranger's words and never names of fields. */
export const classify = (labels: readonly string[]) =>
  defineTask({
    version: 1,
    maxOutputTokens: 1_024,
    answer: z.object({
      scores: z.array(share).length(labels.length)
        .transform((scores) => labels.map((label, at) => ({ label, score: scores[at] ?? 0 })))
        .describe("One probability 0..1 for each label, in the order of the labels"),
    }),
    question: (_: { language?: string }) => ({
      task:
        `How likely is it that the picture shows each of the ${labels.length} labels in the data? ` +
        "All low where none fits.",
      data: { labels: JSON.stringify(labels.map((label) => excerpt(label, 80))) },
    }),
  });
export type Classification = z.infer<ReturnType<typeof classify>["answer"]>;

/** A camera's picture. Boxes come in thousandths, which models are used to. */
export const detect = defineTask({
  version: 1,
  maxOutputTokens: 4_096,
  answer: z.object({
    things: z.array(z.object({
      label: line(60).transform((label) => label.toLowerCase()).describe(
        "One word, lower case, singular: person, car, truck, bicycle, dog, package, fire, fall …",
      ),
      confidence: share.describe("0..1: how sure you are"),
      left: thousandth.describe("Left edge, 0..1000 of the picture's width"),
      top: thousandth.describe("Top edge, 0..1000 of its height"),
      right: thousandth.describe("Right edge"),
      bottom: thousandth.describe("Bottom edge"),
    })).transform((things) => things.slice(0, MAX_THINGS).flatMap(thingOf)),
  }),
  question: (_: { language?: string }) => ({
    task:
      "The picture is from a security camera. List the people, vehicles and animals in it, and what " +
      "else somebody who guards the place must know of, such as fire or smoke; a person who lies on " +
      "the ground is labelled fall. An empty list where there is nothing of the kind.",
  }),
});
export type Things = z.infer<typeof detect.answer>["things"];

/** Part of the key under which answers are kept: a changed prompt asks anew. */
export const PROMPT_VERSIONS = Object.freeze({
  describe: version(describe),
  readText: version(readText),
  summarize: version(summarize),
  draftTask: version(draftTask),
  draftListing: version(draftListing),
  classify: version(classify([])),
  detect: version(detect),
});

/** A thing with its box in shares; none where the box is none. */
function thingOf({ label, confidence, left, top, right, bottom }: RawThing) {
  if (!(right > left && bottom > top)) return [];
  const [x, y] = [left / 1000, top / 1000];
  return [{ label, confidence, box: { x, y, width: right / 1000 - x, height: bottom / 1000 - y } }];
}

type RawThing = Record<"left" | "top" | "right" | "bottom" | "confidence", number> & {
  label: string;
};

function defineTask<Input, Value, Shape extends z.ZodType<Value>>(
  task: Omit<Task<Input, Value>, "answer"> & { answer: Shape },
) {
  return task;
}

function version(task: { version: number }): string {
  return `${FRAME_VERSION}.${task.version}`;
}

function excerpt(text: string | undefined, max: number): string | undefined {
  return text?.slice(0, max).toWellFormed();
}

function languageCode(language: string | null): string | null {
  const code = language?.trim().slice(0, 2).toLowerCase() ?? "";
  return /^[a-z]{2}$/.test(code) ? code : null;
}

function price(value: number | null): number | null {
  return value === null || value < 0 || value > 1_000_000 ? null : Math.round(value * 100) / 100;
}

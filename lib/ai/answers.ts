import { z } from "zod";
import { AiFailure } from "./failure.ts";
import type { Usage } from "./generate.ts";

/**
 * Reads what a model wrote as JSON of the wanted shape. Fences, a reasoning model's thoughts and
 * talk round the JSON are tolerated, all else is refused.
 *
 * @throws {AiFailure} of kind `answer`, worth another try, with the usage that was paid
 */
export function readAnswer<T>(text: string, shape: z.ZodType<T>, usage: Usage): T {
  const wrong = (why: string) =>
    new AiFailure("answer", `Cannot use the AI's answer: ${why}`, { usage });
  if (!text.trim()) throw wrong("it is empty");
  const json = findJson(text);
  if (json === undefined) throw wrong("it is not JSON");
  const answer = shape.safeParse(json);
  if (!answer.success) throw wrong(firstIssue(answer.error));
  return answer.data;
}

/** The JSON schema that a model is asked to obey: the shape before Imago cleans it. */
export function jsonSchemaOf(shape: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, {
    io: "input",
    // OpenAI's strict mode asks for it on every object.
    override: ({ jsonSchema }) => {
      if (jsonSchema.type === "object") jsonSchema.additionalProperties = false;
    },
  });
  return schema;
}

/** One line of at most `max` characters, not empty. */
export const line = (max: number) =>
  z.string().transform((text) => cleanLine(text, max)).pipe(z.string().min(1));

/** Some lines of at most `max` characters, not empty. */
export const prose = (max: number) =>
  z.string().transform((text) => cleanProse(text, max)).pipe(z.string().min(1));

/** At most 20 different tags of at most 40 characters: lower-case letters, digits, spaces, `-'’&+#`. */
export const tags = z.array(z.string()).transform((list) =>
  [...new Set(list.slice(0, 200).map(cleanTag))].filter((tag) => tag !== "").slice(0, 20)
);

/** A share; what lies outside 0..1 is moved to its border. */
export const share = z.number().transform((value) => Math.min(1, Math.max(0, value)));

/** Text without control, invisible or broken characters, on one line, cut at `max`. */
export function cleanLine(text: string, max: number): string {
  return cut(cleanProse(text, 4 * max).replace(/\s+/g, " "), max);
}

/** Text without control, invisible or broken characters, with its line breaks, cut at `max`. */
export function cleanProse(text: string, max: number): string {
  return cut(
    text.slice(0, 4 * max).toWellFormed().replace(/\r\n?/g, "\n").replace(HIDDEN, "").trim(),
    max,
  );
}

/** Controls but tab and line feed; invisible format characters but the two that join letters. */
const HIDDEN = /(?![\t\n\u200c\u200d])[\p{Cc}\p{Cf}\p{Co}\u2028\u2029\ufffd]/gu;

function cleanTag(tag: string): string {
  return cut(
    tag.slice(0, 200).toLowerCase().replace(/[^\p{L}\p{M}\p{N}\-'’&+#]+/gu, " ").trim(),
    40,
  );
}

/** Cuts without halving a character of two code units. */
function cut(text: string, max: number): string {
  return text.slice(0, max).replace(/[\ud800-\udbff]$/, "").trimEnd();
}

function findJson(text: string): unknown {
  const bare = text.trimStart().startsWith("<think>")
    ? text.slice(text.lastIndexOf("</think>") + 8)
    : text;
  return parse(bare) ?? parse(bare.slice(bare.indexOf("{"), bare.lastIndexOf("}") + 1));
}

function parse(text: string): object | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? json : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  // Only the path's head, which comes from our shape: deeper down the model may have chosen names.
  return issue?.path.length ? `"${String(issue.path[0])}" has another form` : "it has another form";
}

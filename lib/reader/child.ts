import { z } from "@hono/zod-openapi";
import { Problem } from "../errors.ts";
import { type ChildAnswer, type ChildJob, serve } from "../sandbox_child.ts";
import { decodeText } from "./charset.ts";
import { readArticle } from "./article.ts";
import { outline, tidy } from "./outline.ts";

const Request = z.object({ contentType: z.string() });

const MAX_TEXT = 40_000;
const MAX_TITLE = 300;
/** An article that is shorter is taken for a miss: the whole page then says more. */
const MIN_ARTICLE = 200;
/** Readability takes quadratic time in both; a page beyond is given without it. */
const ARTICLE_DEPTH = 128;
const ARTICLE_NODES = 50_000;

if (import.meta.main) await serve(read);

/** Answers with a `ReadablePage`, whose title may be empty. */
// deno-lint-ignore require-await -- an error must reject
async function read({ request, body }: ChildJob): Promise<ChildAnswer> {
  const { contentType } = Request.parse(request);
  const source = decodeText(body, contentType);
  if (source.includes("\0")) throw unreadable("it is not text");
  const page = isHtml(contentType, source) ? readHtml(source) : readPlain(source);
  if (!page.text) throw unreadable("it has no text");
  return {
    result: {
      title: clip(page.title.replace(/\s+/g, " ").trim(), MAX_TITLE),
      text: clip(page.text, MAX_TEXT),
      language: page.language,
    },
  };
}

function readHtml(html: string) {
  const whole = outline(html);
  if (whole.depth > ARTICLE_DEPTH || whole.nodes > ARTICLE_NODES) return whole;
  const article = readArticle(html);
  return article && article.length >= MIN_ARTICLE ? { ...whole, text: article } : whole;
}

function readPlain(text: string) {
  return { title: "", text: tidy(text), language: null };
}

function isHtml(contentType: string, source: string): boolean {
  if (contentType.trim() === "") return /^[\s\uFEFF]*<[!a-z?]/i.test(source);
  return /html/i.test(contentType);
}

function clip(text: string, length: number): string {
  return text.length > length ? text.slice(0, length).toWellFormed().trimEnd() : text;
}

function unreadable(reason: string): Problem {
  return new Problem("invalid_content", `Cannot read the page: ${reason}`);
}

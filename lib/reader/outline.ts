import { Parser } from "htmlparser2";
import { Problem } from "../errors.ts";

/** What one pass over a page finds. */
export type Outline = {
  title: string;
  /** Everything that a visitor could see, one block a paragraph. */
  text: string;
  language: string | null;
  /** Nodes of the tree that it would become, and how deep they are nested at most. */
  nodes: number;
  depth: number;
};

/** Far deeper than any page that is meant to be read; the parser is quadratic in it. */
const MAX_DEPTH = 5_000;
const SLICE = 16_384;
/** More text than anybody asks for is not kept. */
const MAX_KEPT = 200_000;

const UNSEEN = words(`script style noscript template svg math iframe object canvas audio video
  select textarea`);
const BLOCKS = words(`address article aside blockquote body caption details dialog div dl fieldset
  figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr main nav ol p pre section summary table
  ul`);
/** What begins a new line of its block. */
const LINES = words("br dd dt li tr");
const CELLS = words("td th");
const TITLES = words("og:title twitter:title");
const LANGUAGES = words("content-language og:locale");

/** Reads a page without building a tree, in time linear to its length. */
export function outline(html: string): Outline {
  const kept: string[] = [];
  const titles: string[] = [];
  let keptLength = 0, nodes = 0, open = 0, depth = 0;
  /** Depth of the element that hides what is in it; 0 when nothing does. */
  let hiddenAt = 0;
  let inTitle = false;
  let titleText = "";
  let language: string | null = null;

  const keep = (text: string) => {
    if (keptLength < MAX_KEPT) kept.push(text);
    keptLength += text.length;
  };
  const parser = new Parser({
    onopentag(name, attributes) {
      nodes++;
      depth = Math.max(depth, ++open);
      if (name === "html") language ??= languageTag(attributes.lang);
      if (name === "meta") readMeta(attributes);
      if (name === "title") inTitle = titleText === "";
      if (!hiddenAt && (UNSEEN.has(name) || isHidden(attributes))) hiddenAt = open;
      if (BLOCKS.has(name)) keep("\n\n");
      else if (LINES.has(name)) keep("\n");
    },
    onclosetag(name) {
      if (BLOCKS.has(name)) keep("\n\n");
      else if (CELLS.has(name)) keep(" ");
      if (name === "title") inTitle = false;
      if (hiddenAt === open) hiddenAt = 0;
      open--;
    },
    ontext(text) {
      nodes++;
      if (inTitle) titleText += text;
      else if (!hiddenAt) keep(text.replace(/\s+/g, " "));
    },
  });

  function readMeta(attributes: Record<string, string>): void {
    const { content = "" } = attributes;
    const name = (attributes.property ?? attributes.name ?? attributes["http-equiv"] ?? "")
      .toLowerCase();
    if (TITLES.has(name)) titles.push(content);
    if (LANGUAGES.has(name)) language ??= languageTag(content);
  }

  for (let at = 0; at < html.length; at += SLICE) {
    parser.write(html.slice(at, at + SLICE));
    if (open > MAX_DEPTH) throw new Problem("invalid_content", "The page is nested too deep");
  }
  parser.end();
  const title = [titleText, ...titles].find((text) => text.trim() !== "") ?? "";
  return { title, text: tidy(kept.join("")), language, nodes, depth };
}

/** One space between words, one empty line between paragraphs, no control characters. */
export function tidy(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/[^\P{Cc}\n\t]/gu, "")
    .split("\n")
    .map((line) => line.replace(/\s+/g, " ").trim())
    .join("\n")
    .replace(/\n{2,}/g, "\n\n")
    .trim();
}

function isHidden({ hidden, style, ...attributes }: Record<string, string>): boolean {
  return hidden !== undefined || attributes["aria-hidden"] === "true" ||
    (style !== undefined && /display\s*:\s*none|visibility\s*:\s*hidden/i.test(style));
}

/** BCP 47 in its usual spelling, or null. */
function languageTag(text = ""): string | null {
  try {
    return Intl.getCanonicalLocales(text.trim().replaceAll("_", "-"))[0] ?? null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function words(list: string): Set<string> {
  return new Set(list.split(/\s+/));
}

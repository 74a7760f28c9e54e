import { Readability } from "@mozilla/readability";
import { parseHTML } from "linkedom/worker";
import { outline } from "./outline.ts";

/** The tags that make a document of its parts. They are ours to set: linkedom repairs none. */
const FRAME = /<!doctype[^<>]*>|<\/?(?:html|head|body)\b[^<>]*>/gi;

/**
 * The main text of a page by Mozilla's Readability (the reader view of Firefox): no navigation, no
 * advertising. Null when it finds none. Slow on deep or huge trees: look at the outline first.
 */
export function readArticle(html: string): string | null {
  const { document } = parseHTML(`<html><body>${html.replace(FRAME, "")}</body></html>`);
  const content = extract(document);
  return content ? outline(content).text : null;
}

function extract(document: Document): string | null {
  try {
    return new Readability(document, { disableJSONLD: true }).parse()?.content ?? null;
  } catch (error) {
    // Readability 0.6.0 trips over some broken trees: that page has no article then.
    if (error instanceof TypeError) return null;
    throw error;
  }
}

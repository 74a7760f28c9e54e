import type { ImageRow } from "../model/image.ts";
import { termsOfHash } from "./alike.ts";

/**
 * At most so many words of an image's tags, name and description, and of the text in it. A change
 * of all of them is twice as many writes: together well under the 1,000 of one transaction.
 */
export const MAX_FACT_WORDS = 150;
export const MAX_TEXT_WORDS = 250;
/** Longer words are cut, in characters; they are mostly noise of OCR. */
const MAX_WORD = 32;
/** Beginnings of a name that have a list of their own, in characters. */
const NAME_LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 20, 24, 32];

/** Letters that Unicode does not take apart. */
const ALIKE: Record<string, string> = { œ: "oe", æ: "ae", ø: "o", ł: "l", đ: "d", ς: "σ" };

/** Everything that finds an image, but for the words of the text in it. */
export function termsOf(row: ImageRow): string[] {
  const words = [...row.ai?.tags ?? [], row.original_name, row.ai?.description ?? ""].join("\n");
  return [
    ...new Set([
      ...factsOf(row),
      ...termsOfHash(row.dhash),
      ...wordTerms(words, MAX_FACT_WORDS),
    ]),
  ];
}

/** What filters ask for, as terms: `status:done`, `tag:beach`, `camera:canon` … */
export function factsOf(row: ImageRow): string[] {
  const { make, model } = row.exif?.camera ?? {};
  const name = fold(row.original_name);
  return [
    `status:${row.status}`,
    has("gps", row.exif?.gps.has_gps),
    has("text", row.ocr?.has_text),
    ...(row.camera_id ? [termOfCameraImages(row.camera_id)] : []),
    ...wordsOf(`${make ?? ""} ${model ?? ""}`, 16).map((word) => `camera:${word}`),
    ...(row.ai?.tags ?? []).map(tagTerm),
    ...NAME_LENGTHS.map((length) => `name:${cut(name, length)}`),
  ];
}

/** What the kept pictures of a camera stand under. */
export function termOfCameraImages(id: string): string {
  return `camera_id:${id}`;
}

/** `gps:yes`, `text:no` … */
export function has(what: "gps" | "text", yes = false): string {
  return `${what}:${yes ? "yes" : "no"}`;
}

/** Tags are told apart by their letters and accents, not by case or by how Unicode spells them. */
export function tagTerm(tag: string): string {
  return `tag:${tag.toWellFormed().normalize("NFC").toLowerCase().trim()}`;
}

/** The longest list that holds all names with this beginning; some of its names may differ later. */
export function nameTerm(beginning: string): string {
  const length = [...beginning].length;
  return `name:${cut(beginning, NAME_LENGTHS.findLast((known) => known <= length) ?? 0)}`;
}

export function wordTerms(text: string, max: number): string[] {
  return wordsOf(text, max).map((word) => `word:${word}`);
}

/** The words of a text as they come, folded: runs of letters and digits. */
export function tokens(text: string): string[] {
  return Array.from(fold(text).matchAll(/[\p{L}\p{N}]+/gu), ([word]) => cut(word, MAX_WORD));
}

/**
 * The different words of a text. When there are more than `max`,
 * the most telling ones, which are those of four and more characters, in the order of the text.
 */
export function wordsOf(text: string, max: number): string[] {
  const words = new Set(tokens(text));
  if (words.size <= max) return [...words];
  const weight = (word: string) => Math.min(word.length, 4);
  return [...words].toSorted((a, b) => weight(b) - weight(a)).slice(0, max);
}

/** Without case, accents and ligatures: "Œuvre d'Été" → "oeuvre d'ete". */
export function fold(text: string): string {
  return text.toWellFormed().normalize("NFKD").toUpperCase().toLowerCase()
    .replace(/\p{M}+/gu, "").replace(/[œæøłđς]/g, (letter) => ALIKE[letter] ?? letter);
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : [...text.slice(0, 2 * max)].slice(0, max).join("");
}

import type { Word } from "./engine.ts";

/** From this confidence on (0 to 100) a word is more likely read right than made up. */
const SURE = 60;
/** A word that proves text in a photograph: so many letters or digits, and so sure. */
const PROOFS = [{ letters: 4, confidence: 78 }, { letters: 3, confidence: 88 }];
/** What is less sure than this has nothing to do with what is printed there. */
const JUNK = 20;

/** Text is a document's when this much of its letters is sure; below the lower bound never. */
export const DOCUMENT = { surely: 0.8, maybe: 0.65 };

export const isSure = (word: Word) => word.confidence >= SURE;

/** The share of letters (and digits) that stand in sure words, 0 to 1; 0 without letters. */
export function sureShare(words: Word[]): number {
  const all = sum(words, letters);
  return all === 0 ? 0 : sum(words.filter(isSure), letters) / all;
}

/** How much was read, and how surely: for choosing between two readings of one picture. */
export function weight(words: Word[]): number {
  return sum(words, (word) => letters(word) * word.confidence);
}

/** Nearly everything: of a document only lines that are junk throughout are left out. */
export function documentWords(words: Word[]): Word[] {
  const kept = lines(words).filter((line) => line.some(isSureText)).flat()
    .filter((word) => word.confidence >= JUNK);
  const letterCount = sum(kept.filter(isSure), letters);
  return letterCount >= 3 || (letterCount === 2 && confidence(kept) >= 0.9) ? kept : [];
}

/** Only lines with a word that cannot be chance, and of those what is sure. */
export function sceneWords(words: Word[]): Word[] {
  return lines(words).filter((line) => line.some(isProof)).flat()
    .filter((word) => isProof(word) || isSureText(word));
}

/** Joins two readings of one picture; where they overlap, the surer word stays. */
export function merge(first: Word[], second: Word[]): Word[] {
  const beaten = (word: Word) =>
    second.some((other) => overlap(word, other) && other.confidence > word.confidence);
  const kept = first.filter((word) => !beaten(word));
  const added = second.filter((word) => !kept.some((other) => overlap(word, other)));
  // The blocks of both are counted from 1.
  const offset = Math.max(0, ...kept.map(({ block }) => block));
  return [...kept, ...added.map((word) => ({ ...word, block: word.block + offset }))];
}

/** The words as text, line by line. */
export function textOf(words: Word[]): string {
  const rows = lines(words).map((line) => line.map(({ text }) => text).join(" "));
  return rows.join("\n").normalize("NFC");
}

/** Mean confidence of the words, 0 to 1, long words counting for more. */
export function confidence(words: Word[]): number {
  const all = sum(words, (word) => word.text.length);
  if (all === 0) return 0;
  const mean = sum(words, (word) => word.text.length * word.confidence) / all / 100;
  return Math.round(mean * 1000) / 1000;
}

const letters = ({ text }: Word) => text.match(/[\p{L}\p{N}]/gu)?.length ?? 0;
const isSureText = (word: Word) => isSure(word) && letters(word) > 0;

function isProof(word: Word): boolean {
  const count = letters(word);
  return looksReal(word.text) &&
    PROOFS.some((proof) => count >= proof.letters && word.confidence >= proof.confidence);
}

/** `sortie`, `Sortie`, `SORTIE`, `Saint-Denis`, `l'Eau`, `25,50`; not `oORt|S`. */
function looksReal(text: string): boolean {
  const parts = text.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const marks = text.length - parts.join("").length;
  return marks * 3 <= text.length &&
    parts.every((part) => /^(\p{Ll}+|\p{Lu}+|(\p{Lu}\p{Ll}+)+|\p{N}+)$/u.test(part));
}

function lines(words: Word[]): Word[][] {
  const result: Word[][] = [];
  for (const word of words) {
    const line = result.at(-1);
    if (line && sameLine(line[0]!, word)) line.push(word);
    else result.push([word]);
  }
  return result;
}

function sameLine(one: Word, other: Word): boolean {
  return one.block === other.block && one.paragraph === other.paragraph && one.line === other.line;
}

/** Whether half of the smaller word lies within the other. */
function overlap(one: Word, other: Word): boolean {
  const width = Math.min(one.left + one.width, other.left + other.width) -
    Math.max(one.left, other.left);
  const height = Math.min(one.top + one.height, other.top + other.height) -
    Math.max(one.top, other.top);
  const smaller = Math.min(one.width * one.height, other.width * other.height);
  return width > 0 && height > 0 && width * height * 2 > smaller;
}

const sum = <T>(items: T[], value: (item: T) => number) =>
  items.reduce((total, item) => total + value(item), 0);

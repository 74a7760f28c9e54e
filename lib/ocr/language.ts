import { franc } from "franc-min";

/** What has fewer letters, or only one word, may be in any language. */
const LEAST_LETTERS = 10;
/** From so many letters on the language is told without knowing what to expect. */
const LONG = 150;

/**
 * The likely language of a text as ISO 639-1 code ("fr"); null when it is too short to tell. Short
 * text is taken to be in one of `expected`, Tesseract's names of languages ("fra").
 */
export function guessLanguage(text: string, expected: string[]): string | null {
  const words = text.split(/\s+/).filter((word) => /\p{L}{2}/u.test(word));
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  if (words.length < 2 || letters < LEAST_LETTERS) return null;
  const only = letters < LONG ? expected : [];
  const code = franc(words.join(" "), { minLength: LEAST_LETTERS, only });
  return code === "und" ? null : twoLetters(code);
}

/** ISO 639-3 to 639-1, by the canonical names of BCP 47; null where only three letters exist. */
function twoLetters(code: string): string | null {
  const [canonical = ""] = Intl.getCanonicalLocales(code);
  return canonical.length === 2 ? canonical : null;
}

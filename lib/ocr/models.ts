import { dirname, join } from "node:path";
import eng from "@tesseract.js-data/eng";
import fra from "@tesseract.js-data/fra";
import { Problem } from "../errors.ts";

/** The languages that OCR can read. One more is a package in deno.json and a name here. */
const PACKAGES: Record<string, { langPath: string }> = { eng, fra };

/** Where Deno keeps npm packages; everything that a child reads lies below. */
export const PACKAGES_FOLDER = join(eng.langPath, "../../../..");

/** Splits `eng+fra`. Throws `invalid_request` when a language is not installed. */
export function parseLanguages(languages: string): string[] {
  const names = [...new Set(languages.split("+"))];
  const unknown = names.find((name) => !Object.hasOwn(PACKAGES, name));
  if (unknown === undefined) return names;
  const installed = Object.keys(PACKAGES).join(", ");
  throw new Problem(
    "invalid_request",
    `Cannot read the language "${unknown}": OCR_LANGUAGES may name ${installed}, joined by +`,
  );
}

/**
 * The gzipped model of each language, English last: for whichever stands first Tesseract is biased,
 * and English reads `à` as `a`, while another language before it costs English nothing. The
 * packages name their large models; the small ones beside them read as well (they lack only the
 * engine of Tesseract 3) with 110 MB less.
 */
export function modelPaths(languages: string[]): Record<string, string> {
  const englishLast = languages.toSorted((one, other) =>
    Number(one === "eng") - Number(other === "eng")
  );
  return Object.fromEntries(englishLast.map((language) => {
    const folder = join(dirname(PACKAGES[language]!.langPath), "4.0.0_best_int");
    return [language, join(folder, `${language}.traineddata.gz`)];
  }));
}

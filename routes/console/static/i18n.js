import { fill } from "./messages.js";

/** @typedef {keyof typeof import("./texts/en.js").en} Key */

export const language = document.documentElement.lang === "fr" ? "fr" : "en";

const texts = language === "fr"
  ? (await import("./texts/fr.js")).fr
  : (await import("./texts/en.js")).en;

/**
 * The text of a key in the reader's language.
 * @param {Key} key
 * @param {import("./messages.js").Values} [values]
 */
export function t(key, values) {
  return fill(language, texts[key], values);
}

/**
 * The text of a key that is made of what the API answers with, or else that word as it is.
 * @param {string} prefix
 * @param {string} word
 */
export function tOf(prefix, word) {
  const key = `${prefix}.${word}`;
  return isKey(key) ? t(key) : word;
}

/**
 * @param {string} key
 * @returns {key is Key}
 */
export function isKey(key) {
  return Object.hasOwn(texts, key);
}

const UNITS = /** @type {const} */ (["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"]);

/**
 * A size as the reader's language writes it. 1 kB is 1,024 bytes, as in quotas.
 * @param {number} bytes
 */
export function formatBytes(bytes) {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return new Intl.NumberFormat(language, {
    style: "unit",
    unit: UNITS[power],
    unitDisplay: power ? "short" : "long",
    maximumFractionDigits: value < 10 && power ? 1 : 0,
  }).format(value);
}

/**
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options]
 */
export function formatNumber(value, options) {
  return new Intl.NumberFormat(language, options).format(value);
}

/**
 * A share between 0 and 1.
 * @param {number} share
 * @param {number} [digits]
 */
export function formatPercent(share, digits = 0) {
  return formatNumber(share, { style: "percent", maximumFractionDigits: digits });
}

/**
 * A moment in the reader's zone.
 * @param {string} time RFC 3339
 * @param {Intl.DateTimeFormatOptions} [options]
 */
export function formatTime(time, options = { dateStyle: "medium", timeStyle: "short" }) {
  return new Intl.DateTimeFormat(language, options).format(new Date(time));
}

/**
 * A moment without zone, as the camera's clock showed it.
 * @param {string} time `2024-06-15T14:30:00`
 */
export function formatCameraTime(time) {
  return formatTime(`${time}Z`, { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });
}

/** @type {[seconds: number, unit: string][]} */
const SPANS = [[86_400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];

/**
 * A longer time in its two largest units: 2 days, 3 hours.
 * @param {number} seconds
 */
export function formatSpan(seconds) {
  const first = Math.max(0, SPANS.findIndex(([size]) => seconds >= size));
  if (seconds < 1) return formatNumber(0, { style: "unit", unit: "second", unitDisplay: "long" });
  let rest = seconds;
  const parts = SPANS.slice(first, first + 2).map(([size, unit]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count && formatNumber(count, { style: "unit", unit, unitDisplay: "long" });
  });
  return parts.filter(Boolean).join(", ");
}

/**
 * Milliseconds, as people say them.
 * @param {number} ms
 */
export function formatDuration(ms) {
  const short = ms < 1000;
  return formatNumber(short ? Math.round(ms) : ms / 1000, {
    style: "unit",
    unit: short ? "millisecond" : "second",
    unitDisplay: "short",
    maximumFractionDigits: 1,
  });
}

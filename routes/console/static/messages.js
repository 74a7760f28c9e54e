/**
 * A text of the dictionary: plain, or one for each plural category of the language. `{name}` stands
 * for a value.
 * @typedef {string | { one: string, other: string }} Text
 * @typedef {Record<string, string | number>} Values
 */

/**
 * Puts values into a text. Numbers are written as the language writes them; `count` chooses the
 * plural.
 * @param {string} language
 * @param {Text} text
 * @param {Values} [values]
 */
export function fill(language, text, values = {}) {
  const chosen = typeof text === "string" ? text : text[pluralOf(language, Number(values.count))];
  return chosen.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? new Intl.NumberFormat(language).format(value) : value;
  });
}

/**
 * @param {string} language
 * @param {number} count
 */
function pluralOf(language, count) {
  return new Intl.PluralRules(language).select(count) === "one" ? "one" : "other";
}

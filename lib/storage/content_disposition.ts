/** Original file names: hostile data, stored and shown, never a path. */

const MAX_NAME_BYTES = 255;
// deno-lint-ignore no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
/** Marks that turn the direction of text, with which "exe.png" can be made of "gnp.exe". */
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * An original name as data: well-formed Unicode in NFC, without control characters, at most 255
 * bytes of UTF-8 (the extension is kept), "file" when nothing is left.
 */
export function cleanFileName(name: string): string {
  const clean = name.toWellFormed().normalize("NFC").replace(CONTROL, "").trim();
  return shorten(clean) || "file";
}

/**
 * The value of a `Content-Disposition` header (RFC 6266): one line whatever the name holds, an ASCII
 * fallback for old clients, and the whole name as RFC 8187 encodes it where the two differ.
 */
export function contentDisposition(type: "inline" | "attachment", filename: string): string {
  const name = cleanFileName(filename).replace(BIDI, "").replace(/[/\\]/g, "_");
  // Quotes and percent signs are legal in the fallback, but clients disagree on what they mean.
  const ascii = name.replace(/[^\x20-\x7e]|["%;]/g, "_");
  const extended = ascii === name ? "" : `; filename*=UTF-8''${encodeExtValue(name)}`;
  return `${type}; filename="${ascii}"${extended}`;
}

/** RFC 8187 `value-chars`: `encodeURIComponent` leaves `'()*` alone, which are not among them. */
function encodeExtValue(text: string): string {
  return encodeURIComponent(text)
    .replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function shorten(name: string): string {
  if (byteLength(name) <= MAX_NAME_BYTES) return name;
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? "";
  let stem = "";
  for (const char of name.slice(0, name.length - extension.length)) {
    if (byteLength(stem + char) + extension.length > MAX_NAME_BYTES) break;
    stem += char;
  }
  return stem + extension;
}

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

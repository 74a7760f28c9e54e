/** Where a page may declare its own encoding (HTML Standard, 4.2.5.4: the first 1,024 bytes). */
const PRESCAN_BYTES = 1024;

/**
 * The text of a page, by the first that names an encoding: byte order mark, `Content-Type`, the
 * page's own `<meta>` or `<?xml`; else UTF-8 where that fits, and windows-1252 where it does not.
 * Bytes that are wrong in the encoding become U+FFFD.
 */
export function decodeText(bytes: Uint8Array, contentType: string): string {
  const decoder = byMark(bytes) ?? byLabel(charsetOf(contentType)) ?? byDeclaration(bytes) ??
    byGuess(bytes);
  return decoder.decode(bytes);
}

function byMark(bytes: Uint8Array): TextDecoder | null {
  const [a, b, c] = bytes;
  if (a === 0xef && b === 0xbb && c === 0xbf) return new TextDecoder();
  if (a === 0xfe && b === 0xff) return new TextDecoder("utf-16be");
  if (a === 0xff && b === 0xfe) return new TextDecoder("utf-16le");
  return null;
}

function byDeclaration(bytes: Uint8Array): TextDecoder | null {
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, PRESCAN_BYTES));
  const meta = start.match(/<meta\s[^<>]*>/gi)?.map(charsetOf).find(Boolean);
  const xml = /^<\?xml[^>]*\sencoding\s*=\s*["']([^"']+)/i.exec(start)?.[1];
  const decoder = byLabel(meta ?? xml);
  // The Standard: what could be read this far is not UTF-16, whatever it says.
  return decoder?.encoding.startsWith("utf-16") ? new TextDecoder() : decoder;
}

function byGuess(bytes: Uint8Array): TextDecoder {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return new TextDecoder();
  } catch (error) {
    if (error instanceof TypeError) return new TextDecoder("windows-1252");
    throw error;
  }
}

function charsetOf(text: string): string | undefined {
  return /charset\s*=\s*["']?([^\s"';>]+)/i.exec(text)?.[1];
}

/** Null for a label that names no encoding. */
function byLabel(label?: string): TextDecoder | null {
  if (!label) return null;
  try {
    return new TextDecoder(label);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

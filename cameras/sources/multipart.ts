import { Buffer } from "node:buffer";

const MAX_HEADER_BYTES = 8 * 1024;
/** What a JPEG begins and ends with. */
const SOI = Buffer.of(0xff, 0xd8);
const EOI = Buffer.of(0xff, 0xd9);
const NO_BYTES = Buffer.alloc(0);

export type Splitter = { push(chunk: Uint8Array): Uint8Array[] };

/**
 * Takes the pictures out of `multipart/x-mixed-replace` (RFC 2046, as cameras speak it): by their
 * Content-Length where a part tells it, else up to the next boundary, whose dashes cameras count
 * differently. Parts that are no JPEG are left out. Throws for a part or a header that does not end.
 */
export function createSplitter(boundary: string, maxBytes: number): Splitter {
  const mark = boundary.replace(/^-+/, "");
  const delimiters = mark ? [`--${mark}`, mark].map((text) => Buffer.from(text)) : [];
  let held = NO_BYTES;
  /** Content-Length of the part that is being read; null: not told; undefined: no part has begun. */
  let length: number | null | undefined;
  /** Where the end of a part has not been looked for yet. */
  let looked = 0;

  const begin = (): boolean => {
    const { at, size } = headerEnd(held);
    if (at < 0) {
      if (held.length > MAX_HEADER_BYTES) throw new Error("a part's header does not end");
      return false;
    }
    const header = held.subarray(0, at).toString("latin1");
    const told = /^content-length:\s*(\d+)/im.exec(header);
    length = told ? Number(told[1]) : null;
    if (length !== null && length > maxBytes) throw new Error("a picture is too large");
    held = held.subarray(at + size);
    looked = 0;
    return true;
  };

  const take = (end: number, next: number): Uint8Array => {
    const part = held.subarray(0, end);
    held = held.subarray(next);
    length = undefined;
    return part;
  };

  /** The part that has begun, once it is there as a whole. */
  const finish = (): Uint8Array | null => {
    if (length !== null && length !== undefined) {
      return held.length < length ? null : take(length, length);
    }
    const end = endOf(held, delimiters, looked);
    if (end >= 0) return take(end, end);
    if (held.length > maxBytes) throw new Error("a picture is too large");
    looked = Math.max(0, held.length - mark.length - 8);
    return null;
  };

  return {
    /** The pictures that are whole with these bytes. */
    push(chunk) {
      held = Buffer.concat([held, chunk]);
      const pictures: Uint8Array[] = [];
      while (length !== undefined || begin()) {
        const part = finish();
        if (!part) break;
        const picture = jpegOf(part);
        // A copy: the rest of what is held must not live as long as a picture.
        if (picture) pictures.push(new Uint8Array(picture));
      }
      return pictures;
    },
  };
}

/** Where the header of a part ends; blank lines before it belong to the part before. */
function headerEnd(bytes: Buffer): { at: number; size: number } {
  let from = 0;
  while (bytes[from] === 13 || bytes[from] === 10) from++;
  const [wide, narrow] = [bytes.indexOf("\r\n\r\n", from), bytes.indexOf("\n\n", from)];
  if (wide >= 0 && (narrow < 0 || wide < narrow)) return { at: wide, size: 4 };
  return { at: narrow, size: 2 };
}

function endOf(bytes: Buffer, delimiters: Buffer[], from: number): number {
  for (const delimiter of delimiters) {
    const at = bytes.indexOf(delimiter, from);
    if (at >= 0) return at;
  }
  return delimiters.length ? -1 : bytes.indexOf("\r\n--", from);
}

/** From the start to the end marker of a JPEG, without what cameras put round it; null for others. */
function jpegOf(part: Uint8Array): Uint8Array | null {
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
  const start = bytes.indexOf(SOI);
  const end = bytes.lastIndexOf(EOI);
  return start < 0 || start > 4 || end < start ? null : bytes.subarray(start, end + 2);
}

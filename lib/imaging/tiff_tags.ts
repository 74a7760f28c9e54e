/** A directory of a TIFF or EXIF block: values by tag number. Text, or a list of numbers. */
export type Tags = Map<number, string | number[]>;

const ASCII = 2;
/** Bytes of one value by TIFF type: 1 BYTE … 12 DOUBLE (TIFF 6.0, section 2). */
const SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
const MAX_ENTRIES = 500;
const MAX_VALUES = 1000;

/**
 * Reads directories of a TIFF block. A damaged entry is left out and the others are still read;
 * what lies outside the block does not exist. Never throws.
 */
export function createTiffReader(block: Uint8Array) {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const little = view.byteLength >= 8 && view.getUint16(0) === 0x4949;
  const isTiff = little || (view.byteLength >= 8 && view.getUint16(0) === 0x4d4d);

  function first(): Tags {
    return isTiff ? directory(view.getUint32(4, little)) : new Map();
  }

  function directory(at: number): Tags {
    const tags: Tags = new Map();
    if (at < 8 || at + 2 > view.byteLength) return tags;
    const count = Math.min(view.getUint16(at, little), MAX_ENTRIES);
    for (let entry = at + 2, i = 0; i < count && entry + 12 <= view.byteLength; i++, entry += 12) {
      const tag = view.getUint16(entry, little);
      const value = read(entry);
      if (value !== undefined && !tags.has(tag)) tags.set(tag, value);
    }
    return tags;
  }

  function read(entry: number): string | number[] | undefined {
    const type = view.getUint16(entry + 2, little);
    const count = view.getUint32(entry + 4, little);
    const size = SIZES[type] ?? 0;
    if (size === 0 || count === 0 || count > MAX_VALUES) return;
    const at = size * count <= 4 ? entry + 8 : view.getUint32(entry + 8, little);
    if (at + size * count > view.byteLength) return;
    if (type === ASCII) return textAt(at, count);
    return Array.from({ length: count }, (_, index) => numberAt(type, at + index * size));
  }

  function textAt(at: number, length: number): string {
    const text = new TextDecoder().decode(block.subarray(at, at + length));
    const end = text.indexOf("\0");
    return end < 0 ? text : text.slice(0, end);
  }

  function numberAt(type: number, at: number): number {
    switch (type) {
      case 3:
        return view.getUint16(at, little);
      case 4:
        return view.getUint32(at, little);
      case 5:
        return view.getUint32(at, little) / view.getUint32(at + 4, little);
      case 6:
        return view.getInt8(at);
      case 8:
        return view.getInt16(at, little);
      case 9:
        return view.getInt32(at, little);
      case 10:
        return view.getInt32(at, little) / view.getInt32(at + 4, little);
      case 11:
        return view.getFloat32(at, little);
      case 12:
        return view.getFloat64(at, little);
      default:
        return view.getUint8(at);
    }
  }

  return { first, directory };
}

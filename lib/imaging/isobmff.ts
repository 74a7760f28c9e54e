import { fourCc } from "./scan.ts";

/** A box of the ISO base media file format, without its header. */
export type Box = { type: string; view: DataView };

type Size = { width: number; height: number };
export type Properties = {
  size: Size | undefined;
  /** Quarter turns anticlockwise. */
  turns: number;
  /** 0: top and bottom change places; 1: left and right. */
  mirror: number | undefined;
  /** Every size in the file: of tiles, thumbnails, the picture. */
  sizes: Size[];
};

/** The boxes inside a box, from an offset on; stops at the first one that is damaged. */
export function boxesIn(parent: DataView, from = 0): Box[] {
  const boxes: Box[] = [];
  for (let at = from; at + 8 <= parent.byteLength;) {
    const length = parent.getUint32(at) || parent.byteLength - at;
    if (length < 8 || at + length > parent.byteLength) break;
    boxes.push({ type: fourCc(parent, at + 4), view: slice(parent, at + 8, at + length) });
    at += length;
  }
  return boxes;
}

/** What `iprp` says of the primary item (ISO/IEC 23008-12, 9.3). Takes the boxes inside `meta`. */
export function primaryProperties(meta: Box[]): Properties {
  const iprp = find(meta, "iprp");
  const inner = iprp ? boxesIn(iprp) : [];
  const ipco = find(inner, "ipco");
  const all = ipco ? boxesIn(ipco) : [];
  const indexes = associated(find(inner, "ipma"), primaryItem(meta));
  const own = indexes.flatMap((index) => all[index - 1] ?? []);
  return {
    size: sizesOf(own)[0],
    turns: byteOf(own, "irot") ?? 0,
    mirror: byteOf(own, "imir"),
    sizes: sizesOf(all),
  };
}

export function find(boxes: Box[], type: string): DataView | undefined {
  return boxes.find((box) => box.type === type)?.view;
}

function primaryItem(meta: Box[]): number {
  const pitm = find(meta, "pitm");
  if (!pitm || pitm.byteLength < 6) return 0;
  return pitm.getUint8(0) === 0 || pitm.byteLength < 8 ? pitm.getUint16(4) : pitm.getUint32(4);
}

function sizesOf(boxes: Box[]): Size[] {
  return boxes.filter(({ type, view }) => type === "ispe" && view.byteLength >= 12)
    .map(({ view }) => ({ width: view.getUint32(4), height: view.getUint32(8) }));
}

function byteOf(boxes: Box[], type: string): number | undefined {
  const view = find(boxes, type);
  if (!view || view.byteLength < 1) return undefined;
  return view.getUint8(0) & (type === "irot" ? 3 : 1);
}

/** The 1-based property indexes that `ipma` gives an item. */
function associated(ipma: DataView | undefined, item: number): number[] {
  if (!ipma || ipma.byteLength < 8) return [];
  const [version, wide] = [ipma.getUint8(0), ipma.getUint8(3) & 1];
  const idBytes = version < 1 ? 2 : 4;
  for (let at = 8; at + idBytes + 1 <= ipma.byteLength;) {
    const id = idBytes === 2 ? ipma.getUint16(at) : ipma.getUint32(at);
    const count = ipma.getUint8(at + idBytes);
    const start = at + idBytes + 1;
    const end = start + count * (wide ? 2 : 1);
    if (end > ipma.byteLength) return [];
    if (id === item) return indexesBetween(ipma, start, end, wide);
    at = end;
  }
  return [];
}

function indexesBetween(view: DataView, start: number, end: number, wide: number): number[] {
  const indexes: number[] = [];
  for (let at = start; at < end; at += wide ? 2 : 1) {
    indexes.push(wide ? view.getUint16(at) & 0x7fff : view.getUint8(at) & 0x7f);
  }
  return indexes;
}

function slice(view: DataView, from: number, to: number): DataView {
  return new DataView(view.buffer, view.byteOffset + from, to - from);
}

/**
 * The bytes of the first item of type `Exif` in a HEIF file: a TIFF block. Undefined where there is
 * none, or where it lies outside the file.
 */
export function exifItem(file: Uint8Array): Uint8Array | undefined {
  const whole = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const metaBox = find(topLevelBoxes(whole), "meta");
  if (!metaBox || metaBox.byteLength < 4) return;
  const meta = boxesIn(metaBox, 4);
  const extent = locate(find(meta, "iloc"), exifItemId(find(meta, "iinf")));
  if (!extent || extent.offset + extent.length > file.length || extent.length < 12) return;
  const item = file.subarray(extent.offset, extent.offset + extent.length);
  const skip = 4 + new DataView(item.buffer, item.byteOffset).getUint32(0);
  return skip < item.length ? item.subarray(skip) : undefined;
}

/** Like `boxesIn`, but a large `mdat` may have a 64-bit length. */
function topLevelBoxes(file: DataView): Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at + 16 <= file.byteLength && boxes.length < 1000;) {
    const short = file.getUint32(at);
    const head = short === 1 ? 16 : 8;
    const length = short === 1 ? Number(file.getBigUint64(at + 8)) : short || file.byteLength - at;
    const end = Math.min(at + length, file.byteLength);
    if (length < head) break;
    boxes.push({ type: fourCc(file, at + 4), view: slice(file, at + head, end) });
    at = end;
  }
  return boxes;
}

function exifItemId(iinf: DataView | undefined): number | undefined {
  if (!iinf || iinf.byteLength < 8) return;
  const infos = boxesIn(iinf, iinf.getUint8(0) === 0 ? 6 : 8);
  for (const { type, view } of infos) {
    if (type !== "infe" || view.byteLength < 12) continue;
    const wide = view.getUint8(0) >= 3 && view.byteLength >= 14;
    if (fourCc(view, wide ? 10 : 8) === "Exif") return wide ? view.getUint32(4) : view.getUint16(4);
  }
}

/** The first extent of an item in `iloc` (ISO/IEC 14496-12, 8.11.3), when it lies in the file itself. */
function locate(
  iloc: DataView | undefined,
  item: number | undefined,
): { offset: number; length: number } | undefined {
  if (!iloc || item === undefined) return;
  try {
    return readLocations(iloc, item);
  } catch (error) {
    // The table is cut short: DataView throws outside its bounds.
    if (error instanceof RangeError) return;
    throw error;
  }
}

function readLocations(iloc: DataView, item: number) {
  const version = iloc.getUint8(0);
  const [offsetSize, lengthSize] = [iloc.getUint8(4) >> 4, iloc.getUint8(4) & 15];
  const [baseSize, indexSize] = [iloc.getUint8(5) >> 4, version > 0 ? iloc.getUint8(5) & 15 : 0];
  let at = 6;
  const next = (size: number) => {
    at += size;
    return size === 0
      ? 0
      : size === 8
      ? Number(iloc.getBigUint64(at - 8))
      : size === 4
      ? iloc.getUint32(at - 4)
      : iloc.getUint16(at - 2);
  };
  const count = next(version < 2 ? 2 : 4);
  for (let i = 0; i < count; i++) {
    const id = next(version < 2 ? 2 : 4);
    const method = version > 0 ? next(2) & 15 : 0;
    next(2);
    const base = next(baseSize);
    const extents = next(2);
    for (let e = 0; e < extents; e++) {
      next(indexSize);
      const [offset, length] = [base + next(offsetSize), next(lengthSize)];
      if (id === item && e === 0) return method === 0 ? { offset, length } : undefined;
    }
  }
}

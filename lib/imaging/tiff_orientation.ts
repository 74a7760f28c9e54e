const ORIENTATION = 0x0112;

/** The orientation (1..8) in the first IFD of a TIFF or EXIF block; 1 where nothing usable stands. */
export function orientationOf(block: Uint8Array): number {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  if (view.byteLength < 14) return 1;
  const mark = view.getUint16(0);
  if (mark !== 0x4949 && mark !== 0x4d4d) return 1;
  const little = mark === 0x4949;
  const ifd = view.getUint32(4, little);
  if (ifd + 2 > view.byteLength) return 1;
  const count = Math.min(view.getUint16(ifd, little), 1000);
  for (let entry = ifd + 2, i = 0; i < count && entry + 12 <= view.byteLength; i++, entry += 12) {
    if (view.getUint16(entry, little) !== ORIENTATION) continue;
    return validOrientation(view.getUint16(entry + 8, little));
  }
  return 1;
}

export function validOrientation(value: unknown): number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 8
    ? value
    : 1;
}

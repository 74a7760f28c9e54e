import type { ImageFormat } from "../model/image.ts";
import { exifItem } from "./isobmff.ts";
import { tiffPart } from "./probe_webp.ts";

/**
 * The TIFF block that holds a picture's EXIF, wherever its container keeps it; undefined where
 * there is none. Never throws on damage.
 */
export function exifBlock(file: Uint8Array, format: ImageFormat): Uint8Array | undefined {
  return FINDERS[format](file);
}

const FINDERS: Record<ImageFormat, (file: Uint8Array) => Uint8Array | undefined> = {
  jpeg: inJpeg,
  png: inPng,
  webp: inWebp,
  avif: exifItem,
  heic: exifItem,
  tiff: (file) => file,
  gif: () => undefined,
};

/** The first APP1 segment that begins with `Exif`. */
function inJpeg(file: Uint8Array): Uint8Array | undefined {
  const view = viewOf(file);
  for (let at = 2; at + 4 <= file.length;) {
    const marker = file[at + 1]!;
    if (file[at] !== 0xff || marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0xda) return;
    const end = at + 2 + view.getUint16(at + 2);
    const isExif = marker === 0xe1 && latin(file, at + 4, 6) === "Exif\0\0";
    if (isExif) return file.subarray(at + 10, end);
    at = Math.max(end, at + 4);
  }
}

function inPng(file: Uint8Array): Uint8Array | undefined {
  const view = viewOf(file);
  for (let at = 8; at + 12 <= file.length;) {
    const length = view.getUint32(at);
    const end = at + 8 + length;
    if (end > file.length) return;
    if (latin(file, at + 4, 4) === "eXIf") return tiffPart(file.subarray(at + 8, end));
    at = end + 4;
  }
}

function inWebp(file: Uint8Array): Uint8Array | undefined {
  const view = viewOf(file);
  for (let at = 12; at + 8 <= file.length;) {
    const length = view.getUint32(at + 4, true);
    const start = at + 8;
    if (latin(file, at, 4) === "EXIF") return tiffPart(file.subarray(start, start + length));
    at = start + length + (length % 2);
  }
}

function latin(bytes: Uint8Array, from: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(from, from + length));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

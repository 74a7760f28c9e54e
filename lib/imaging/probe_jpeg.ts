import { Problem } from "../errors.ts";
import { checkSize, type Findings } from "./probe.ts";
import { bytesOf, type Parser, type Scanner } from "./scan.ts";
import { orientationOf } from "./tiff_orientation.ts";

const SOI = 0xd8, EOI = 0xd9, SOS = 0xda, APP1 = 0xe1, TEM = 0x01;
const MAX_SEGMENTS = 5000;

/** ITU-T T.81, annex B: markers up to the end of the first picture, scans counted on the way. */
export function* parseJpeg(found: Findings): Parser {
  yield { skip: 2 };
  let scans = 0;
  for (let segments = 0; segments < MAX_SEGMENTS; segments++) {
    const marker = yield* nextMarker();
    if (marker === EOI) return;
    if (marker === SOI || marker === TEM) continue;
    const length = (yield 2).getUint16(0) - 2;
    if (length < 0) throw new Problem("invalid_content", "A JPEG segment has an impossible length");
    if (isFrame(marker)) yield* frame(found, marker, length);
    else if (marker === APP1) yield* exif(found, length);
    else yield { skip: length };
    if (marker !== SOS) continue;
    if (found.width === 0) throw new Problem("invalid_content", "The JPEG has no frame header");
    found.hasPixels = true;
    if (found.limits.headerOnly) return;
    if (++scans > found.limits.maxScans) {
      throw new Problem("invalid_content", `The JPEG has over ${found.limits.maxScans} scans`);
    }
  }
  throw new Problem("invalid_content", `The JPEG has over ${MAX_SEGMENTS} segments`);
}

/** Runs through entropy-coded data, or garbage between segments, to the next marker. */
function* nextMarker(): Parser<number> {
  let marker = 0;
  let afterFf = false;
  const until: Scanner = (chunk, from) => {
    for (let at = from;;) {
      if (!afterFf) {
        at = chunk.indexOf(0xff, at) + 1;
        if (at === 0) return -1;
        afterFf = true;
      }
      if (at >= chunk.length) return -1;
      const byte = chunk[at++]!;
      if (byte === 0xff) continue;
      afterFf = false;
      const isData = byte === 0 || (byte >= 0xd0 && byte <= 0xd7);
      if (isData) continue;
      marker = byte;
      return at;
    }
  };
  yield { until };
  return marker;
}

/** SOF0..SOF15, without DHT, JPG and DAC which share their range. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

function* frame(found: Findings, marker: number, length: number): Parser {
  if (marker > 0xc2) {
    const kind = marker >= 0xc9 ? "arithmetic-coded" : "lossless or hierarchical";
    throw new Problem("invalid_content", `Cannot read a ${kind} JPEG`);
  }
  if (found.width > 0) throw new Problem("invalid_content", "The JPEG has two frame headers");
  if (length < 9) throw new Problem("invalid_content", "The JPEG's frame header is too short");
  const header = yield 6;
  const [precision, components] = [header.getUint8(0), header.getUint8(5)];
  if (precision !== 8) throw new Problem("invalid_content", `Cannot read a ${precision}-bit JPEG`);
  if (![1, 3, 4].includes(components)) {
    throw new Problem("invalid_content", `Cannot read a JPEG of ${components} components`);
  }
  found.height = header.getUint16(1);
  found.width = header.getUint16(3);
  checkSize(found.width, found.height, found.limits);
  yield { skip: length - 6 };
}

function* exif(found: Findings, length: number): Parser {
  const bytes = bytesOf(yield length);
  const isExif = String.fromCharCode(...bytes.subarray(0, 6)) === "Exif\0\0";
  if (isExif && found.orientation === 1) found.orientation = orientationOf(bytes.subarray(6));
}

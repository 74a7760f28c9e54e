import type { Camera, Exif, Gps, ImageFormat } from "../model/image.ts";
import { exifBlock } from "./exif_block.ts";
import { validOrientation } from "./tiff_orientation.ts";
import { createTiffReader, type Tags } from "./tiff_tags.ts";

/** Tag numbers of CIPA DC-008 (Exif 3.0). */
const TAG = {
  ...{
    make: 0x010f,
    model: 0x0110,
    orientation: 0x0112,
    exifDirectory: 0x8769,
    gpsDirectory: 0x8825,
  },
  ...{ exposureTime: 0x829a, fNumber: 0x829d, iso: 0x8827, focalLength: 0x920a, lensModel: 0xa434 },
  ...{ dateOriginal: 0x9003, dateDigitized: 0x9004, zoneOriginal: 0x9011, zoneDigitized: 0x9012 },
} as const;

/** Tag numbers inside the GPS directory. */
const GPS = {
  ...{ latitudeRef: 1, latitude: 2, longitudeRef: 3, longitude: 4, altitudeRef: 5, altitude: 6 },
} as const;

const EMPTY: Tags = new Map();

/**
 * What the camera wrote, in the field's notation. What is missing, damaged or impossible is null:
 * bad metadata never fails a picture.
 */
export function readExif(file: Uint8Array, format: ImageFormat): Exif {
  const reader = createTiffReader(exifBlock(file, format) ?? new Uint8Array(0));
  const main = reader.first();
  const below = (tag: number) => {
    const at = numberOf(main.get(tag));
    return at === null ? EMPTY : reader.directory(at);
  };
  return {
    camera: camera(main, below(TAG.exifDirectory)),
    gps: position(below(TAG.gpsDirectory)),
    orientation: validOrientation(numberOf(main.get(TAG.orientation))),
  };
}

function camera(main: Tags, exif: Tags): Camera {
  const fNumber = positive(exif.get(TAG.fNumber));
  const focal = positive(exif.get(TAG.focalLength));
  return {
    make: textOf(main.get(TAG.make)),
    model: textOf(main.get(TAG.model)),
    lens: textOf(exif.get(TAG.lensModel)),
    iso: numberOf(exif.get(TAG.iso)),
    aperture: fNumber === null ? null : `f/${short(fNumber)}`,
    shutter_speed: shutterSpeed(positive(exif.get(TAG.exposureTime))),
    focal_length: focal === null ? null : `${short(focal)}mm`,
    ...takenAt(exif),
  };
}

/** Photographers' notation: "1/250" below 0.3 s or where it is exact enough, else seconds: "2.5". */
export function shutterSpeed(seconds: number | null): string | null {
  if (seconds === null) return null;
  const parts = 1 / seconds;
  const whole = Math.round(parts);
  if (whole >= 2 && Math.abs(parts - whole) / parts < 0.005) return `1/${whole}`;
  return seconds < 0.3 ? `1/${short(parts)}` : short(seconds);
}

/** Four digits: enough to give the file's value back, without its noise. */
function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** The shutter's time, else when the picture was made digital; each with its own offset. */
function takenAt(exif: Tags): Pick<Camera, "taken_at" | "taken_at_offset"> {
  const candidates = [
    [TAG.dateOriginal, TAG.zoneOriginal],
    [TAG.dateDigitized, TAG.zoneDigitized],
  ] as const;
  for (const [date, zone] of candidates) {
    const taken_at = localTime(exif.get(date));
    if (!taken_at) continue;
    const offset = textOf(exif.get(zone));
    const isOffset = offset !== null && /^[+-](0\d|1[0-4]):[0-5]\d$/.test(offset);
    return { taken_at, taken_at_offset: isOffset ? offset : null };
  }
  return { taken_at: null, taken_at_offset: null };
}

/** "2024:06:15 14:30:00" → "2024-06-15T14:30:00"; null for what is no date of the calendar. */
export function localTime(value: unknown): string | null {
  const parts = /^(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)/.exec(textOf(value) ?? "");
  if (!parts) return null;
  const [, year, month, day, hour, minute, second] = parts;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const time = Date.parse(`${iso}Z`);
  const exists = !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso);
  return exists && Number(year) > 0 ? iso : null;
}

function position(gps: Tags): Gps {
  const latitude = degrees(gps.get(GPS.latitude), gps.get(GPS.latitudeRef), { N: 1, S: -1 }, 90);
  const longitude = degrees(
    gps.get(GPS.longitude),
    gps.get(GPS.longitudeRef),
    { E: 1, W: -1 },
    180,
  );
  if (latitude === null || longitude === null) {
    return { latitude: null, longitude: null, altitude: null, has_gps: false, maps_url: null };
  }
  const maps_url = `https://maps.google.com/?q=${latitude},${longitude}`;
  return { latitude, longitude, altitude: altitudeOf(gps), has_gps: true, maps_url };
}

/**
 * Degrees, minutes, seconds and a hemisphere → signed degrees to 1e-6 (0.1 m). A pair of zeros is a
 * place like any other; without a hemisphere there is no telling which place is meant.
 */
function degrees(
  value: unknown,
  ref: unknown,
  signs: Record<string, number>,
  limit: number,
): number | null {
  const sign = signs[(textOf(ref) ?? "").charAt(0).toUpperCase()];
  if (!sign || !Array.isArray(value) || value.length !== 3) return null;
  if (!value.every((part) => Number.isFinite(part) && part >= 0)) return null;
  const [degree, minute, second] = value;
  const total = degree + minute / 60 + second / 3600;
  return total <= limit ? round(sign * total, 6) : null;
}

function altitudeOf(gps: Tags): number | null {
  const metres = numberOf(gps.get(GPS.altitude));
  if (metres === null) return null;
  const isBelowSea = numberOf(gps.get(GPS.altitudeRef)) === 1;
  return round(isBelowSea ? -metres : metres, 3);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits)) + 0;
}

function positive(value: unknown): number | null {
  const number = numberOf(value);
  return number !== null && number > 0 ? number : null;
}

/** The first number of a tag, unless it is none (0/0, 1/0). */
function numberOf(value: unknown): number | null {
  const first: unknown = Array.isArray(value) ? value[0] : null;
  return typeof first === "number" && Number.isFinite(first) ? first : null;
}

/** Text as data: no control characters, no padding, at most 200 characters; null when empty. */
function textOf(value: unknown): string | null {
  if (typeof value !== "string") return null;
  const clean = [...value.replace(/\p{Cc}/gu, "")].slice(0, 200).join("").trim();
  return clean === "" ? null : clean;
}

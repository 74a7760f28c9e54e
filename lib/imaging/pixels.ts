import type { Picture } from "./engine.ts";

/** Turns a picture upright by EXIF's orientation (1..8). */
export function upright(picture: Picture, orientation: number): Picture {
  if (orientation === 1) return picture;
  const { width, height, channels, data } = picture;
  const swaps = orientation >= 5;
  const [outWidth, outHeight] = swaps ? [height, width] : [width, height];
  const { start, stepX, stepY } = walk(orientation, width, height);
  const out = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < outHeight; y++) {
    let from = (start + y * stepY) * channels;
    for (let x = 0; x < outWidth; x++, from += stepX * channels) {
      for (let c = 0; c < channels; c++) out[to++] = data[from + c]!;
    }
  }
  return { width: outWidth, height: outHeight, channels, data: out };
}

/** How the source is walked (in pixels) while the result is filled row by row. */
function walk(orientation: number, width: number, height: number) {
  const last = width * height - 1;
  const table: Record<number, [start: number, stepX: number, stepY: number]> = {
    2: [width - 1, -1, width],
    3: [last, -1, -width],
    4: [last - width + 1, 1, -width],
    5: [0, width, 1],
    6: [last - width + 1, -width, 1],
    7: [last, -width, -1],
    8: [width - 1, width, -1],
  };
  const [start, stepX, stepY] = table[orientation] ?? [0, 1, width];
  return { start, stepX, stepY };
}

/** Lays a picture with alpha on a colour (`#rrggbb`); gives RGB. Others stay as they are. */
export function flatten(picture: Picture, background = "#ffffff"): Picture {
  const { width, height, channels, data } = picture;
  if (channels === 3 || channels === 1) return picture;
  const colours = channels - 1;
  const back = [1, 3, 5].map((at) => parseInt(background.slice(at, at + 2), 16));
  const out = new Uint8Array(width * height * colours);
  for (let from = 0, to = 0; from < data.length; from += channels) {
    const alpha = data[from + colours]!;
    for (let c = 0; c < colours; c++) {
      out[to++] = (data[from + c]! * alpha + back[c]! * (255 - alpha) + 127) / 255;
    }
  }
  return { width, height, channels: colours, data: out };
}

/** The middle of a picture. */
export function cropCentre(picture: Picture, width: number, height: number): Picture {
  if (picture.width === width && picture.height === height) return picture;
  const { channels, data } = picture;
  const left = (picture.width - width) >> 1;
  const top = (picture.height - height) >> 1;
  const out = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * picture.width + left) * channels;
    out.set(data.subarray(from, from + width * channels), y * width * channels);
  }
  return { width, height, channels, data: out };
}

/** Red, green, blue; a picture with alpha is laid on white. */
export function toRgb(picture: Picture): Picture {
  const { width, height, channels, data } = flatten(picture);
  if (channels === 3) return { width, height, channels, data };
  const out = new Uint8Array(data.length * 3);
  data.forEach((grey, at) => out.fill(grey, at * 3, at * 3 + 3));
  return { width, height, channels: 3, data: out };
}

/** Red, green, blue, alpha, whatever the picture has. */
export function toRgba({ width, height, channels, data }: Picture): Uint8Array {
  if (channels === 4) return data;
  const out = new Uint8Array(width * height * 4).fill(255);
  const [green, blue] = channels >= 3 ? [1, 2] : [0, 0];
  for (let from = 0, to = 0; to < out.length; from += channels, to += 4) {
    out[to] = data[from]!;
    out[to + 1] = data[from + green]!;
    out[to + 2] = data[from + blue]!;
    if (channels === 2) out[to + 3] = data[from + 1]!;
  }
  return out;
}

/** Values stored with another exponent (PNG's `gAMA`) to sRGB's curve (IEC 61966-2-1). In place. */
export function applyGamma({ data, channels }: Picture, gamma: number): void {
  const table = Uint8Array.from({ length: 256 }, (_, value) => {
    const linear = (value / 255) ** (1 / gamma);
    const encoded = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
    return Math.round(255 * encoded);
  });
  const colours = channels === 2 || channels === 4 ? channels - 1 : channels;
  for (let at = 0; at < data.length; at += channels) {
    for (let c = 0; c < colours; c++) data[at + c] = table[data[at + c]!]!;
  }
}

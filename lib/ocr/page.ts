/** A grey picture, one byte per pixel, row by row without padding. */
export type Page = { width: number; height: number; grey: Uint8Array };

/** Below this distance between its darkest and lightest parts a page has no ink on it. */
const LEAST_CONTRAST = 12;

/**
 * The page with its darkest and lightest parts pulled to black and white; null when it is blank,
 * one grey all over.
 */
export function stretch(page: Page): Page | null {
  const { dark, light } = extremes(page.grey);
  if (light - dark < LEAST_CONTRAST) return null;
  // A clamped array rounds, and cuts off what lies beyond black and white.
  const table = Uint8ClampedArray.from(
    { length: 256 },
    (_, grey) => (grey - dark) * 255 / (light - dark),
  );
  return { ...page, grey: page.grey.map((grey) => table[grey]!) };
}

/** The greys between which all but a thousandth of the pixels at either end lie. */
function extremes(grey: Uint8Array): { dark: number; light: number } {
  const histogram = new Uint32Array(256);
  for (const value of grey) histogram[value]!++;
  const few = grey.length / 1000;
  let [dark, light] = [0, 255];
  for (let seen = histogram[dark]!; seen <= few; seen += histogram[++dark]!);
  for (let seen = histogram[light]!; seen <= few; seen += histogram[--light]!);
  return { dark, light };
}

/**
 * The page redrawn `factor` times as large and turned about its centre by `angle` radians,
 * clockwise; new corners take the grey of the nearest edge. Bilinear.
 */
export function redraw(page: Page, { factor = 1, angle = 0 }): Page {
  const { width, height, grey } = page;
  const [cos, sin] = [Math.cos(angle) / factor, Math.sin(angle) / factor];
  const { newWidth, newHeight } = turnedSize(width * factor, height * factor, angle);
  const result = new Uint8Array(newWidth * newHeight);
  for (let y = 0, at = 0; y < newHeight; y++) {
    // A pixel has its value at its centre, hence the halves.
    const dy = y + 0.5 - newHeight / 2;
    for (let x = 0; x < newWidth; x++, at++) {
      const dx = x + 0.5 - newWidth / 2;
      const sourceX = clamp(dx * cos + dy * sin + width / 2 - 0.5, width - 1);
      const sourceY = clamp(dy * cos - dx * sin + height / 2 - 0.5, height - 1);
      const [left, top] = [sourceX | 0, sourceY | 0];
      const [right, below] = [left + 1 < width ? 1 : 0, top + 1 < height ? width : 0];
      const from = top * width + left;
      const upper = mix(grey[from]!, grey[from + right]!, sourceX - left);
      const lower = mix(grey[from + below]!, grey[from + below + right]!, sourceX - left);
      result[at] = mix(upper, lower, sourceY - top) + 0.5;
    }
  }
  return { width: newWidth, height: newHeight, grey: result };
}

function turnedSize(width: number, height: number, angle: number) {
  const [cos, sin] = [Math.abs(Math.cos(angle)), Math.abs(Math.sin(angle))];
  return {
    newWidth: Math.max(1, Math.round(width * cos + height * sin)),
    newHeight: Math.max(1, Math.round(width * sin + height * cos)),
  };
}

const clamp = (value: number, max: number) => Math.min(max, Math.max(0, value));
const mix = (one: number, other: number, part: number) => one + (other - one) * part;

import type { Page } from "./page.ts";

/** Angles that are tried, in radians: 8° either way in steps of 0.5°. */
const STEP = Math.PI / 360;
const STEPS = 16;
/** Lines of text are clear when their angle stands out by this factor over reading it level. */
const CLEAR = 1.2;
const INK = 90;
/** Looked at by a grid of about so many columns. */
const COLUMNS = 700;

/**
 * The angle in radians by which lines of dark text rise to the right; 0 when no angle stands out.
 * For pages that lean too much for Tesseract to see lines at all: the ink is summed up along lines
 * of each angle, and where the sums change most abruptly lines and gaps alternate (Postl 1986).
 */
export function skewOf(page: Page): number {
  const points = inkPoints(page);
  const sharpness = Array.from({ length: 2 * STEPS + 1 }, (_, index) => {
    return sharpnessAt(points, (index - STEPS) * STEP);
  });
  const best = sharpness.indexOf(Math.max(...sharpness));
  return sharpness[best]! > CLEAR * sharpness[STEPS]! ? (best - STEPS) * STEP : 0;
}

function inkPoints({ width, height, grey }: Page): { x: number; y: number }[] {
  const stride = Math.max(1, Math.round(width / COLUMNS));
  const points: { x: number; y: number }[] = [];
  for (let y = 0; y < height; y += stride) {
    for (let x = 0; x < width; x += stride) {
      if (grey[y * width + x]! < INK) points.push({ x: x / stride, y: y / stride });
    }
  }
  return points;
}

function sharpnessAt(points: { x: number; y: number }[], angle: number): number {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const sums = new Map<number, number>();
  for (const { x, y } of points) {
    const row = Math.round(y * cos + x * sin);
    sums.set(row, (sums.get(row) ?? 0) + 1);
  }
  let sharpness = 0;
  for (const [row, sum] of sums) sharpness += (sum - (sums.get(row - 1) ?? 0)) ** 2;
  return sharpness;
}

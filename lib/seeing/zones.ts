import type { Zone } from "../model/camera.ts";
import type { Box } from "../model/event.ts";

type Point = { x: number; y: number };

/** Whether a point (in shares of the picture's sides) is in one of the zones; none are everywhere. */
export function isIn(zones: readonly Zone[], point: Point): boolean {
  return zones.length === 0 || zones.some((zone) => holds(zone, point));
}

/** The middle of a box's lower edge: where somebody stands. */
export function footOf({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height };
}

/** Whether a point is in a box, its edges included. */
export function holds({ x, y, width, height }: Box, point: Point): boolean {
  return point.x >= x && point.x <= x + width && point.y >= y && point.y <= y + height;
}

/** Whether two boxes have something in common. */
export function touch(one: Box, other: Box): boolean {
  return one.x < other.x + other.width && other.x < one.x + one.width &&
    one.y < other.y + other.height && other.y < one.y + one.height;
}

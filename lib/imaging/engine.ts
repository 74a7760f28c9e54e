import type { ImageFormat } from "../model/image.ts";
import type { ProbeResult } from "./probe.ts";

/** Pixels at hand: sRGB, 8 bits a channel, rows from the top; 1 grey, 3 RGB, 4 RGB and alpha. */
export type Picture = { width: number; height: number; channels: number; data: Uint8Array };

export type Size = { width: number; height: number };

/** One rendition. Without `width` or `height` that side is free. */
export type OutputSpec = {
  name: string;
  width?: number;
  height?: number;
  /** `inside`: the whole picture, never enlarged. `cover`: exactly these sides, cut at the edges. */
  fit: "inside" | "cover";
  format: "jpeg" | "webp" | "avif";
  /** 1..100 */
  quality: number;
  /** What shows through transparent parts, `#rrggbb`. JPEG has white by default, others keep alpha. */
  background?: string;
};

/** What every accepted picture gets. */
export const RENDITIONS: OutputSpec[] = [
  { name: "preview", width: 2048, height: 2048, fit: "inside", format: "jpeg", quality: 85 },
  { name: "medium", width: 640, height: 640, fit: "inside", format: "jpeg", quality: 80 },
  { name: "small", width: 160, height: 160, fit: "inside", format: "jpeg", quality: 80 },
];

/** Sides of one output; the encoders' own limits lie above it. */
export const MAX_OUTPUT_SIDE = 16_383;

/** Decodes, resizes, encodes. It runs in a child process, on bytes whose header was probed. */
export interface Engine {
  readonly name: "sharp" | "imagescript";
  readonly reads: readonly ImageFormat[];
  readonly writes: readonly OutputSpec["format"][];
  /** The first frame at exactly `size`, which is at most the stored size, not turned upright yet. */
  decode(bytes: Uint8Array, header: ProbeResult, size: Size): Promise<Picture>;
  resize(picture: Picture, size: Size): Promise<Picture>;
  /** Without any metadata. */
  encode(picture: Picture, format: OutputSpec["format"], quality: number): Promise<Uint8Array>;
}

import { z } from "@hono/zod-openapi";

/** The longest side that may be asked for. */
export const MAX_SIDE = 4096;

const Side = z.number().int().min(1).max(MAX_SIDE);

export const OutputFormat = z.enum(["jpeg", "webp", "avif"]);
export type OutputFormat = z.infer<typeof OutputFormat>;

export const Fit = z.enum(["inside", "cover"]);

export const Preset = z.enum(["small", "medium", "preview"]);
export type Preset = z.infer<typeof Preset>;

/**
 * How a picture is to be rendered, in its one spelling. `inside`: the whole picture in this box,
 * never enlarged. `cover`: exactly these sides, cut at the edges. `format` is null where whoever
 * fetches it may choose, `quality` (1..100) where the format's own is meant.
 */
export const Transform = z.object({
  width: Side,
  height: Side,
  fit: Fit,
  format: OutputFormat.nullable(),
  quality: z.number().int().min(1).max(100).nullable(),
});
export type Transform = z.infer<typeof Transform>;

/** A picture that was made of an image on demand, and kept. */
export const Variant = z.object({
  /** Storage key; another one each time it is made. */
  key: z.string(),
  format: OutputFormat,
  width: z.number().int(),
  height: z.number().int(),
  size_bytes: z.number().int(),
});
export type Variant = z.infer<typeof Variant>;

/** All of one image: by the hash of what was asked for, thumbnails by their name. */
export const Variants = z.record(z.string(), Variant);
export type Variants = z.infer<typeof Variants>;

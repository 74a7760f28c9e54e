import { z } from "zod";
import type { Picture, Size } from "../imaging/engine.ts";
import { cropCentre } from "../imaging/pixels.ts";
import { resample } from "../imaging/resample.ts";

const Channels = z.tuple([z.number(), z.number(), z.number()]);

/** How pictures are made ready for a model: (value / 255 - mean) / std, unless it takes bytes. */
export const Preparation = z.object({
  mean: Channels.default([0.485, 0.456, 0.406]),
  std: Channels.default([0.229, 0.224, 0.225]),
  /** The whole picture, distorted; its middle; or the whole within grey borders. */
  fit: z.enum(["squash", "middle", "letterbox"]).default("squash"),
  order: z.enum(["rgb", "bgr"]).default("rgb"),
});
export type Preparation = z.infer<typeof Preparation>;

/** What a model takes in: the one picture's size, and whether its colours lie apart (NCHW). */
export type InputShape = Size & { colours: "apart" | "together"; bytes: boolean };

/** Where a side is left open, by the custom of image classifiers. */
const OPEN_SIDE = 224;
/** The border of YOLO's letterbox. */
const GREY = 114;

/** Reads a model's declared input. Throws where it does not take pictures of three colours. */
export function shapeOf({ shape, type }: { shape: (number | string)[]; type: string }): InputShape {
  const side = (at: number) => typeof shape[at] === "number" ? shape[at] : OPEN_SIDE;
  const bytes = type === "uint8";
  if (shape.length === 4 && (bytes || type === "float32")) {
    if (shape[1] === 3) return { height: side(2), width: side(3), colours: "apart", bytes };
    if (shape[3] === 3) return { height: side(1), width: side(2), colours: "together", bytes };
  }
  throw new Error(`The model takes ${type} [${shape}], not pictures of three colours`);
}

/** A picture as numbers for the model. */
export function prepare(picture: Picture, shape: InputShape, how: Preparation) {
  const { data } = FITS[how.fit](picture, shape);
  const { width, height, colours, bytes } = shape;
  const area = width * height;
  const out = bytes ? new Uint8Array(area * 3) : new Float32Array(area * 3);
  for (let c = 0; c < 3; c++) {
    const from = how.order === "rgb" ? c : 2 - c;
    const [scale, shift] = bytes ? [1, 0] : [1 / 255 / how.std[c]!, -how.mean[c]! / how.std[c]!];
    const [start, step] = colours === "apart" ? [c * area, 1] : [c, 3];
    for (let i = 0; i < area; i++) out[start + i * step] = data[i * 3 + from]! * scale + shift;
  }
  const dims = colours === "apart" ? [1, 3, height, width] : [1, height, width, 3];
  return { data: out, dims };
}

const FITS: Record<Preparation["fit"], (picture: Picture, size: Size) => Picture> = {
  squash: resample,
  middle(picture, size) {
    const scale = Math.min(picture.width / size.width, picture.height / size.height);
    const width = Math.max(1, Math.round(size.width * scale));
    const height = Math.max(1, Math.round(size.height * scale));
    return resample(cropCentre(picture, width, height), size);
  },
  letterbox(picture, size) {
    const { width, height, left, top } = letterbox(picture, size);
    const inside = resample(picture, { width, height });
    const data = new Uint8Array(size.width * size.height * 3).fill(GREY);
    for (let y = 0; y < height; y++) {
      const row = inside.data.subarray(y * width * 3, (y + 1) * width * 3);
      data.set(row, ((top + y) * size.width + left) * 3);
    }
    return { ...size, channels: 3, data };
  },
};

/** Where a whole picture lies in a box that it fills in one direction. */
export function letterbox(picture: Size, box: Size): Size & { left: number; top: number } {
  const scale = Math.min(box.width / picture.width, box.height / picture.height);
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  return { width, height, left: (box.width - width) >> 1, top: (box.height - height) >> 1 };
}

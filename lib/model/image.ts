import { z } from "@hono/zod-openapi";
import { StepRun } from "./job.ts";
import { Id, Time } from "./scalars.ts";

/** The formats that Imago reads, told by their bytes. */
export const ImageFormat = z.enum(["jpeg", "png", "gif", "webp", "avif", "tiff", "heic"]);
export type ImageFormat = z.infer<typeof ImageFormat>;

/** What the camera wrote, in the field's usual notation; null where the file says nothing usable. */
export const Camera = z.object({
  make: z.string().nullable(),
  model: z.string().nullable(),
  lens: z.string().nullable(),
  iso: z.number().int().nullable(),
  aperture: z.string().nullable().openapi({ example: "f/2.8" }),
  shutter_speed: z.string().nullable().openapi({ example: "1/250" }),
  focal_length: z.string().nullable().openapi({ example: "50mm" }),
  taken_at: z.string().nullable().openapi({
    description: "The camera's own clock, without zone",
    example: "2024-06-15T14:30:00",
  }),
  taken_at_offset: z.string().nullable().openapi({ example: "+02:00" }),
}).openapi("Camera");
export type Camera = z.infer<typeof Camera>;

export const Gps = z.object({
  latitude: z.number().nullable(),
  longitude: z.number().nullable(),
  altitude: z.number().nullable().openapi({ description: "Metres above sea level" }),
  has_gps: z.boolean(),
  maps_url: z.string().nullable(),
}).openapi("Gps");
export type Gps = z.infer<typeof Gps>;

export const Exif = z.object({
  camera: Camera,
  gps: Gps,
  orientation: z.number().int().min(1).max(8).openapi({
    description: "1 where the file says nothing usable",
  }),
}).openapi("Exif");
export type Exif = z.infer<typeof Exif>;

/** Text read from a picture. `text` is "" and `language` null when there is none. */
export const Ocr = z.object({
  has_text: z.boolean(),
  text: z.string(),
  language: z.string().nullable().openapi({ description: "ISO 639-1, a guess", example: "fr" }),
  confidence: z.number().min(0).max(1),
}).openapi("Ocr");
export type Ocr = z.infer<typeof Ocr>;

/** What a vision model says of a picture. */
export const Ai = z.object({
  description: z.string(),
  tags: z.array(z.string()),
  confidence: z.number().min(0).max(1),
  model_used: z.string(),
}).openapi("Ai");
export type Ai = z.infer<typeof Ai>;

/** What a model call used. Output tokens include the model's thoughts; cost is in USD. */
export const AiUsage = z.object({
  model: z.string(),
  input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  cost: z.number().nullable(),
}).openapi("AiUsage");
export type AiUsage = z.infer<typeof AiUsage>;

export const ImageStatus = z.enum(["pending", "processing", "done", "partial", "failed"])
  .openapi("ImageStatus");
export type ImageStatus = z.infer<typeof ImageStatus>;

export const RenditionName = z.enum(["small", "medium", "preview"]);
export type RenditionName = z.infer<typeof RenditionName>;

const Rendition = z.object({
  key: z.string(),
  width: z.number().int(),
  height: z.number().int(),
  size_bytes: z.number().int(),
});
export type Rendition = z.infer<typeof Rendition>;

/** An image as it is stored. `width` and `height` are of the upright picture. */
export const ImageRow = z.object({
  id: Id,
  tenant: Id,
  original_name: z.string(),
  format: ImageFormat,
  mime_type: z.string(),
  width: z.number().int(),
  height: z.number().int(),
  size_bytes: z.number().int(),
  sha256: z.string(),
  source: z.enum(["upload", "camera"]),
  camera_id: Id.nullable(),
  status: ImageStatus,
  created_at: Time,
  started_at: Time.nullable(),
  done_at: Time.nullable(),
  job: Id.openapi({ description: "The job that works, or worked, on it last" }),
  steps: z.record(z.string(), StepRun),
  /** Storage key of the uploaded bytes. */
  original: z.string(),
  renditions: z.partialRecord(RenditionName, Rendition),
  thumbhash: z.string().nullable(),
  dhash: z.string().nullable(),
  exif: Exif.nullable(),
  /** Without the text, which is kept beside the record: it can be long. */
  ocr: Ocr.omit({ text: true }).nullable(),
  ai: Ai.nullable(),
  /** Which prompt the description answers, so that a newer one is not mistaken for it. */
  ai_version: z.string().nullable(),
  ai_usage: AiUsage.nullable(),
});
export type ImageRow = z.infer<typeof ImageRow>;

/** An image in a list. */
export const ImageSummary = ImageRow.pick({
  id: true,
  original_name: true,
  mime_type: true,
  width: true,
  height: true,
  size_bytes: true,
  status: true,
  created_at: true,
  thumbhash: true,
}).extend({
  uuid: Id,
  tags: z.array(z.string()),
  has_gps: z.boolean(),
  has_text: z.boolean(),
  thumbnail_url: z.url().nullable(),
}).openapi("ImageSummary");
export type ImageSummary = z.infer<typeof ImageSummary>;

/** An image that looks like another. */
export const SimilarImage = ImageSummary.extend({
  distance: z.number().int().openapi({
    description: "In how many of 64 bits their perceptual hashes differ: 0 looks the same",
  }),
}).openapi("SimilarImage");

/** Everything that is known of an image. */
export const Image = ImageSummary.extend({
  sha256: z.string(),
  processing_status: ImageStatus,
  source: ImageRow.shape.source,
  camera_id: Id.nullable(),
  started_at: Time.nullable(),
  done_at: Time.nullable(),
  steps: z.record(z.string(), StepRun),
  exif: Exif.nullable(),
  ocr: Ocr.nullable(),
  ai: Ai.nullable(),
  ai_usage: AiUsage.nullable(),
  caption: z.string().nullable().openapi({ description: "The description, under imgapi's name" }),
}).openapi("Image");
export type Image = z.infer<typeof Image>;

/** What lists of images can be narrowed to. Times are in ms since 1970, both inclusive. */
export type ImageFilter = {
  status?: ImageStatus;
  tag?: string;
  /** Words that all occur in name, tags, description or the text in the picture; the last may go on. */
  text?: string;
  has_gps?: boolean;
  has_text?: boolean;
  /** Words that all occur in make or model. */
  camera?: string;
  camera_id?: string;
  from?: number;
  to?: number;
  /** How the name begins. */
  original_name?: string;
};

/** Terms that find an image: by its record, and by the words of the text in it. */
export const Terms = z.object({ row: z.array(z.string()), text: z.array(z.string()) });
export type Terms = z.infer<typeof Terms>;

export const TagCount = z.object({ tag: z.string(), count: z.number().int() }).openapi("TagCount");
export type TagCount = z.infer<typeof TagCount>;

/** Storage that a tenant uses and may use, in bytes. */
export const Quota = z.object({
  used_bytes: z.number().int(),
  limit_bytes: z.number().int(),
  remaining_bytes: z.number().int(),
  percent: z.number(),
}).openapi("Quota");
export type Quota = z.infer<typeof Quota>;

import { z } from "@hono/zod-openapi";
import { Exif, ImageFormat } from "./image.ts";
import { Id, Time } from "./scalars.ts";

/** Why an upload was refused for what it is. */
export const RefusalReason = z.enum([
  "invalid file format",
  "file too large",
  "image cannot be decoded",
]);
export type RefusalReason = z.infer<typeof RefusalReason>;

/** An upload that was refused: nothing of its bytes is kept. */
export const Refusal = z.object({
  id: Id,
  tenant: Id,
  original_name: z.string(),
  reason: RefusalReason,
  created_at: Time,
});
export type Refusal = z.infer<typeof Refusal>;

const Metadata = z.object({
  width: z.number().int(),
  height: z.number().int(),
  format: ImageFormat,
  size_bytes: z.number().int(),
});
const Thumbnails = z.object({ small: z.url(), medium: z.url() });
const Nothing = z.object({});

const Attempt = z.object({
  image_id: Id,
  original_name: z.string(),
  processed_at: Time.openapi({ description: "When it was taken in, or refused" }),
});

/** The answer to an upload that was taken in. */
export const UploadSuccess = z.object({
  status: z.literal("success"),
  data: Attempt.extend({ metadata: Metadata }),
  thumbnails: Thumbnails,
  error: z.null(),
}).openapi("UploadSuccess");
export type UploadSuccess = z.infer<typeof UploadSuccess>;

/** The answer to an upload that was refused. */
export const UploadFailure = z.object({
  status: z.literal("failed"),
  data: Attempt.extend({ metadata: Nothing, thumbnails: Nothing }),
  error: RefusalReason,
}).openapi("UploadFailure");
export type UploadFailure = z.infer<typeof UploadFailure>;

/** One attempt to upload, whatever came of it. */
export const UploadRecord = Attempt.extend({
  status: z.enum(["success", "failed"]),
  metadata: z.union([Metadata, Nothing]),
  thumbnails: z.union([Thumbnails, Nothing]),
  exif: Exif.nullable(),
  caption: z.string().nullable(),
  error: z.string().nullable(),
}).openapi("UploadRecord");
export type UploadRecord = z.infer<typeof UploadRecord>;

/** Every attempt since the tenant began, also what was deleted or forgotten since. */
export const UploadStats = z.object({
  total: z.number().int(),
  failed: z.number().int().openapi({
    description: "Refused, or taken in and of no use: the pipeline could do nothing with it",
  }),
  success_rate: z.string().openapi({ example: "75.00%" }),
  average_processing_time_seconds: z.number().openapi({
    description: "From upload until the pipeline has ended with it for the first time",
  }),
}).openapi("UploadStats");
export type UploadStats = z.infer<typeof UploadStats>;

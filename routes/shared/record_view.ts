import type { Links } from "../../lib/links.ts";
import type { ImageRow } from "../../lib/model/image.ts";
import type {
  Refusal,
  UploadFailure,
  UploadRecord,
  UploadSuccess,
} from "../../lib/model/record.ts";
import { isUndecodable } from "../../lib/images.ts";
import type { Attempt } from "../../lib/records.ts";

/** The answer to an upload that was taken in. */
export function presentSuccess(row: ImageRow, links: Links, origin: string): UploadSuccess {
  return {
    status: "success",
    data: { ...nameOf(row), metadata: metadataOf(row) },
    thumbnails: thumbnailsOf(row, links, origin),
    error: null,
  };
}

/** The answer to an upload that was refused. */
export function presentFailure(refusal: Refusal): UploadFailure {
  return {
    status: "failed",
    data: { ...nameOf(refusal), metadata: {}, thumbnails: {} },
    error: refusal.reason,
  };
}

/** One attempt, as lists show it. */
export function presentAttempt(attempt: Attempt, links: Links, origin: string): UploadRecord {
  if ("reason" in attempt) {
    const nothing = { metadata: {}, thumbnails: {}, exif: null, caption: null };
    return { ...nameOf(attempt), status: "failed", ...nothing, error: attempt.reason };
  }
  return {
    ...nameOf(attempt),
    status: attempt.status === "failed" ? "failed" : "success",
    metadata: metadataOf(attempt),
    thumbnails: isUndecodable(attempt.steps) ? {} : thumbnailsOf(attempt, links, origin),
    exif: attempt.exif,
    caption: attempt.ai?.description ?? null,
    error: errorOf(attempt),
  };
}

function nameOf({ id, original_name, created_at }: Attempt) {
  return { image_id: id, original_name, processed_at: created_at };
}

function metadataOf({ width, height, format, size_bytes }: ImageRow) {
  return { width, height, format, size_bytes };
}

function thumbnailsOf({ id }: ImageRow, links: Links, origin: string) {
  const address = (size: string) => links.absolute(origin, `/api/images/${id}/thumbnails/${size}`);
  return { small: address("small"), medium: address("medium") };
}

function errorOf({ status, steps }: ImageRow): string | null {
  if (status !== "failed") return null;
  return isUndecodable(steps) ? "image cannot be decoded" : "image cannot be processed";
}

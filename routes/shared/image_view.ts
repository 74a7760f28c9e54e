import type { Image, ImageRow, ImageSummary } from "../../lib/model/image.ts";
import type { Links } from "../../lib/links.ts";

/** A stored image as lists show it. */
export function summarize(row: ImageRow, links: Links, origin: string): ImageSummary {
  return {
    id: row.id,
    uuid: row.id,
    original_name: row.original_name,
    mime_type: row.mime_type,
    width: row.width,
    height: row.height,
    size_bytes: row.size_bytes,
    status: row.status,
    created_at: row.created_at,
    tags: row.ai?.tags ?? [],
    has_gps: row.exif?.gps.has_gps ?? false,
    has_text: row.ocr?.has_text ?? false,
    thumbhash: row.thumbhash,
    thumbnail_url: links.thumbnail(origin, row),
  };
}

/** A stored image with everything that is known of it. */
export function present(row: ImageRow, text: string, links: Links, origin: string): Image {
  return {
    ...summarize(row, links, origin),
    sha256: row.sha256,
    processing_status: row.status,
    source: row.source,
    camera_id: row.camera_id,
    started_at: row.started_at,
    done_at: row.done_at,
    steps: row.steps,
    exif: row.exif,
    ocr: row.ocr && { ...row.ocr, text },
    ai: row.ai,
    ai_usage: row.ai_usage,
    caption: row.ai?.description ?? null,
  };
}

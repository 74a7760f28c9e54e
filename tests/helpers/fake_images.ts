// deno-lint-ignore-file no-import-prefix -- see browser.ts
import type { Route } from "npm:playwright-core@1.65.1";
import type { ImageSummary } from "../../lib/model/image.ts";

const PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

/** Answers GET /images in the server's place, as if there were so many images. */
export function fakeImages(total: number) {
  return (route: Route) => {
    const { searchParams } = new URL(route.request().url());
    const start = Number(searchParams.get("cursor") || 0);
    const end = Math.min(total, start + Number(searchParams.get("limit")));
    const items = Array.from({ length: end - start }, (_, place) => image(start + place));
    const next_cursor = end < total ? String(end) : null;
    const quota = { used_bytes: 1e9, limit_bytes: 4e9, remaining_bytes: 3e9, percent: 25 };
    return route.fulfill({ json: { items, next_cursor, quota } });
  };
}

function image(place: number): ImageSummary {
  const id = `0197a3f0-0000-7000-8000-${String(999_999 - place).padStart(12, "0")}`;
  return {
    id,
    uuid: id,
    original_name: `IMG_${place}.jpg`,
    mime_type: "image/jpeg",
    width: 4000,
    height: 3000,
    size_bytes: 3_000_000,
    status: "done",
    created_at: "2026-05-01T08:00:00.000Z",
    tags: [],
    has_gps: false,
    has_text: false,
    thumbhash: "3OcRJYB4d3h/iIeHeEh3eIhw+j3A",
    thumbnail_url: PIXEL,
  };
}

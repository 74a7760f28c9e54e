import { createIds } from "../../lib/clock.ts";
import type { ImageRow } from "../../lib/model/image.ts";

export type Random = () => number;

/** The same numbers in [0, 1) for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The rank of one of `size` things that are as unequally frequent as words are (Zipf), from 0. */
export function rank(random: Random, size: number): number {
  return Math.floor(Math.exp(random() * Math.log(size + 1))) - 1;
}

/** A made-up word of a rank; the words of different ranks differ. */
export function word(rank: number): string {
  const syllables = ["ba", "ce", "dri", "fo", "gu", "hé", "jo", "kla", "mi", "no", "pra", "sté"];
  let made = "";
  for (let rest = rank + 12; rest > 0; rest = Math.floor(rest / 12)) made += syllables[rest % 12];
  return made;
}

const CAMERAS = [["Apple", "iPhone 15"], ["Canon", "Canon EOS R5"], ["NIKON CORPORATION", "Z 9"]];
const STATUSES = ["done", "done", "done", "done", "partial", "failed", "pending"] as const;

/** Records of one tenant as the pipeline would leave them, a second apart, and the text in each. */
export function createAlbum(tenant: string, random: Random, vocabulary = 20_000) {
  let now = Date.UTC(2026, 0, 1);
  let count = 0;
  const newId = createIds({ now: () => now, after: () => () => {} });
  const words = (length: number, size = vocabulary) =>
    Array.from({ length }, () => word(rank(random, size)));

  return (id?: string): { row: ImageRow; text: string } => {
    now += 1_000;
    count++;
    const text = random() < 0.2 ? words(40).join(" ") : "";
    const row = { ...bareRow(tenant, id ?? newId(), now), ...facts(text !== "") };
    return { row, text };
  };

  function facts(has_text: boolean): Partial<ImageRow> {
    const [make, model] = CAMERAS[rank(random, CAMERAS.length)] ?? [null, null];
    const has_gps = random() < 0.3;
    return {
      original_name: `${random() < 0.8 ? "IMG" : "Été"}_${String(count).padStart(6, "0")}.jpg`,
      status: STATUSES[Math.floor(random() * STATUSES.length)],
      exif: {
        camera: { ...NO_CAMERA, make: make ?? null, model: model ?? null },
        gps: { latitude: null, longitude: null, altitude: null, has_gps, maps_url: null },
        orientation: 1,
      },
      ocr: { has_text, language: null, confidence: 0.5 },
      ai: {
        description: words(20).join(" "),
        tags: [...new Set(words(5, 500))],
        confidence: 0.5,
        model_used: "none",
      },
    };
  }
}

const NO_CAMERA = {
  make: null,
  model: null,
  lens: null,
  iso: null,
  aperture: null,
  shutter_speed: null,
  focal_length: null,
  taken_at: null,
  taken_at_offset: null,
};

function bareRow(tenant: string, id: string, now: number): ImageRow {
  return {
    id,
    tenant,
    original_name: "photo.jpg",
    format: "jpeg",
    mime_type: "image/jpeg",
    width: 4000,
    height: 3000,
    size_bytes: 1_000_000,
    sha256: "0".repeat(64),
    source: "upload",
    camera_id: null,
    status: "pending",
    created_at: new Date(now).toISOString(),
    started_at: null,
    done_at: null,
    job: id,
    steps: {},
    original: `${tenant}/${id}/original`,
    renditions: {},
    thumbhash: null,
    dhash: null,
    exif: null,
    ocr: null,
    ai: null,
    ai_version: null,
    ai_usage: null,
  };
}

import sharp from "sharp";
import type { Draft } from "../../lib/model/draft.ts";
import { QUADRANTS, quadrants } from "../fixtures/make_pictures.ts";
import type { TestApp } from "./app.ts";

export type Photo = { name: string; bytes: Uint8Array<ArrayBuffer> };

const CORNERS = ["red", "green", "blue", "white"] as const;

/** Sends photos as a phone would; `init` adds headers. */
export async function ingest(
  { request }: Pick<TestApp, "request">,
  photos: Photo[],
  { title, headers, key }: { title?: string; headers?: HeadersInit; key?: string } = {},
): Promise<Response> {
  const body = new FormData();
  for (const { name, bytes } of photos) {
    body.append("files", new File([bytes], name, { type: "image/jpeg" }));
  }
  if (title !== undefined) body.append("title", title);
  return await request("/api/v1/ingest/upload", { method: "POST", body, headers }, key);
}

/** The draft that an answer of 201 holds. */
export async function draftOf(response: Response): Promise<Draft> {
  if (response.status !== 201) throw new Error(`${response.status}: ${await response.text()}`);
  return await response.json();
}

/** A photo of one colour; another `tone` (0..255) gives other bytes, also once it is a JPEG. */
export async function jpeg(tone = 200, width = 80, height = 60): Promise<Photo> {
  const background = { r: tone, g: 200, b: 255 - tone };
  const made = sharp({ create: { width, height, channels: 3, background } });
  return { name: `photo-${tone}.jpg`, bytes: new Uint8Array(await made.jpeg().toBuffer()) };
}

/** The quadrants, stored turned so that EXIF's `orientation` (1..8) makes them upright. */
export async function turned(orientation: number): Promise<Photo> {
  const back = sharp(await quadrants().png().toBuffer());
  if ([5, 6, 7, 8].includes(orientation)) {
    back.rotate({ 5: 270, 6: 270, 7: 90, 8: 90 }[orientation]);
  }
  if ([3, 4].includes(orientation)) back.rotate(180);
  const stored = sharp(await back.png().toBuffer());
  if ([2, 4].includes(orientation)) stored.flop();
  if ([5, 7].includes(orientation)) stored.flip();
  const bytes = await stored.jpeg({ quality: 95 }).withMetadata({ orientation }).toBuffer();
  return { name: `turned-${orientation}.jpg`, bytes: new Uint8Array(bytes) };
}

/** Which colours stand in the four corners, by rows; the nearest ones. */
export async function corners(jpeg: Uint8Array): Promise<string[]> {
  const { data, info } = await sharp(jpeg).removeAlpha().raw().toBuffer({
    resolveWithObject: true,
  });
  const at = (x: number, y: number) => {
    const start = (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * 3;
    return [...data.subarray(start, start + 3)];
  };
  const distance = (left: readonly number[], right: readonly number[]) =>
    left.reduce((sum, value, i) => sum + (value - right[i]!) ** 2, 0);
  return [at(0.2, 0.2), at(0.8, 0.2), at(0.2, 0.8), at(0.8, 0.8)].map((pixel) =>
    CORNERS.toSorted((a, b) => distance(QUADRANTS[a], pixel) - distance(QUADRANTS[b], pixel))[0]!
  );
}

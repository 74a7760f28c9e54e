import libheif from "libheif-js/wasm-bundle";
import { Problem } from "../errors.ts";
import type { Picture } from "./engine.ts";

/** The part of libheif-js (a WASM build of libheif) that is used here; the package has no types. */
type HeifImage = {
  get_width(): number;
  get_height(): number;
  is_primary?(): boolean;
  display(target: Target, done: (target: Target | null) => void): void;
  free(): void;
};
type Target = { data: Uint8ClampedArray; width: number; height: number };
type LibHeif = { HeifDecoder: new () => { decode(bytes: Uint8Array): HeifImage[] } };

const { HeifDecoder }: LibHeif = libheif;

/** The primary picture of a HEIC file as RGBA, already upright: libheif applies `irot` and `imir`. */
export async function decodeHeif(bytes: Uint8Array): Promise<Picture> {
  const images = new HeifDecoder().decode(bytes);
  const image = images.find((image) => image.is_primary?.()) ?? images[0];
  if (!image) throw new Problem("invalid_content", "The HEIC file has no readable picture");
  const [width, height] = [image.get_width(), image.get_height()];
  const target = { data: new Uint8ClampedArray(width * height * 4), width, height };
  const shown = await new Promise<Target | null>((done) => image.display(target, done));
  images.forEach((image) => image.free());
  if (!shown) throw new Problem("invalid_content", "The HEIC picture cannot be decoded");
  return { width, height, channels: 4, data: new Uint8Array(shown.data.buffer) };
}

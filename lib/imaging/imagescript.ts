import { GIF, Image, type JPEGQuality } from "imagescript";
import jpegModule from "imagescript/jpeg";
import type { ImageFormat } from "../model/image.ts";
import { Problem } from "../errors.ts";
import { type Engine, MAX_OUTPUT_SIDE, type Picture, type Size } from "./engine.ts";
import { toRgba } from "./pixels.ts";
import type { ProbeResult } from "./probe.ts";
import { resample } from "./resample.ts";

/** ImageScript's JPEG decoder, which its own API does not offer: it can decode at 1/2, 1/4, 1/8. */
type JpegDecoder = {
  decode(bytes: Uint8Array, width: number, height: number): Picture & {
    /** 0: grey, 1: RGB, 2: CMYK, where 255 is full ink (Adobe stores it inverted; it undoes that). */
    format: 0 | 1 | 2;
    buffer: Uint8Array;
  };
};
const jpeg: { init(): Promise<JpegDecoder> } = jpegModule;

const DECODERS: Partial<Record<ImageFormat, (bytes: Uint8Array, size: Size) => Promise<Picture>>> =
  {
    jpeg: decodeJpeg,
    png: decodePng,
    gif: decodeGif,
  };

/** The portable engine. Its own resizing and turning are not used: nearest neighbour, scrambled. */
export const engine: Engine = {
  name: "imagescript",
  reads: ["jpeg", "png", "gif"],
  writes: ["jpeg", "webp"],
  async decode(bytes: Uint8Array, { format }: ProbeResult, size: Size): Promise<Picture> {
    return resample(await DECODERS[format]!(bytes, size), size);
  },
  resize: (picture, size) => Promise.resolve(resample(picture, size)),
  encode,
};

/** Half the work of a full decode when a scaled one leaves twice the target: no loss to be seen. */
async function decodeJpeg(bytes: Uint8Array, size: Size): Promise<Picture> {
  const decoder = await jpeg.init();
  const [width, height] = [Math.min(65_535, 2 * size.width), Math.min(65_535, 2 * size.height)];
  const { format, buffer, ...sides } = decoder.decode(bytes, width, height);
  if (format === 2) return { ...sides, channels: 3, data: fromCmyk(buffer) };
  return { ...sides, channels: format === 0 ? 1 : 3, data: buffer };
}

function fromCmyk(data: Uint8Array): Uint8Array {
  const out = new Uint8Array(data.length / 4 * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    const light = 255 - data[from + 3]!;
    for (let c = 0; c < 3; c++) out[to++] = (255 - data[from + c]!) * light / 255;
  }
  return out;
}

async function decodePng(bytes: Uint8Array): Promise<Picture> {
  return fromImage(await Image.decode(bytes));
}

async function decodeGif(bytes: Uint8Array): Promise<Picture> {
  const onlyFirstFrame = true;
  const frame = (await GIF.decode(bytes, onlyFirstFrame))[0];
  if (!frame) throw new Problem("invalid_content", "The GIF has no frame");
  return fromImage(frame);
}

function fromImage({ width, height, bitmap }: Pick<Image, "width" | "height" | "bitmap">): Picture {
  return { width, height, channels: 4, data: new Uint8Array(bitmap) };
}

/** Sides over the encoder's limit would end the process (JPEG) or give no bytes (WebP). */
async function encode(picture: Picture, format: string, quality: number): Promise<Uint8Array> {
  const { width, height } = picture;
  if (Math.max(width, height) > MAX_OUTPUT_SIDE) {
    throw new Problem("invalid_content", `Cannot write a picture of ${width} × ${height} pixels`);
  }
  const image = new Image(width, height);
  image.bitmap.set(toRgba(picture));
  const level = quality as JPEGQuality;
  return format === "webp" ? await image.encodeWEBP(level) : await image.encodeJPEG(level);
}

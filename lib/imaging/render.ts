import type { ImageFormat } from "../model/image.ts";
import { Problem } from "../errors.ts";
import type { Engine, OutputSpec, Picture, Size } from "./engine.ts";
import { applyGamma, cropCentre, flatten, toRgb, upright } from "./pixels.ts";
import { type Plan, plan } from "./plan.ts";
import { PLACEHOLDER_SIDE, type Placeholders, placeholdersOf } from "./placeholders.ts";
import { probe, type ProbeResult } from "./probe.ts";

export type Rendered = Size & {
  placeholders: Placeholders | null;
  outputs: (Size & { name: string; bytes: Uint8Array })[];
};

/**
 * Decodes a picture once, at the largest size that is asked for, and derives every smaller output
 * from the next larger one. Sizes in the answer are of the upright picture.
 */
export async function render(
  engine: Engine,
  bytes: Uint8Array,
  specs: OutputSpec[],
  wantsPlaceholders: boolean,
): Promise<Rendered> {
  const header = probe(bytes, { headerOnly: true });
  checkEngine(engine, header.format, specs);
  const plans = specs.map((spec) => plan(spec, header)).sort(byArea);
  let picture = await decode(engine, bytes, header, plans[0]?.frame ?? placeholderSize(header));
  const outputs: Rendered["outputs"] = [];
  for (const { spec, frame, cut } of plans) {
    picture = await resized(engine, picture, frame);
    const ready = prepare(cropCentre(picture, cut.width, cut.height), spec);
    const encoded = await engine.encode(ready, spec.format, spec.quality);
    outputs.push({ name: spec.name, ...cut, bytes: encoded });
  }
  const placeholders = wantsPlaceholders
    ? placeholdersOf(flatten(await resized(engine, picture, placeholderSize(picture))))
    : null;
  return { width: header.width, height: header.height, placeholders, outputs };
}

/** The upright picture as RGB, shrunk to at most `side` pixels a side: for whoever looks at pixels. */
export async function readPixels(
  engine: Engine,
  bytes: Uint8Array,
  side: number,
): Promise<Picture> {
  const header = probe(bytes, { headerOnly: true });
  checkEngine(engine, header.format, []);
  return toRgb(await decode(engine, bytes, header, inside(header, side)));
}

function checkEngine({ name, reads, writes }: Engine, format: ImageFormat, specs: OutputSpec[]) {
  if (format !== "heic" && !reads.includes(format)) {
    throw new Problem("unsupported_type", `The engine ${name} cannot read ${format}`);
  }
  const missing = specs.find((spec) => !writes.includes(spec.format));
  if (missing) {
    throw new Problem("unsupported_type", `The engine ${name} cannot write ${missing.format}`);
  }
}

function byArea(left: Plan, right: Plan): number {
  return right.frame.width * right.frame.height - left.frame.width * left.frame.height;
}

function placeholderSize(size: Size): Size {
  return inside(size, PLACEHOLDER_SIDE);
}

function inside(size: Size, side: number): Size {
  const box = { width: side, height: side };
  return plan({ name: "", fit: "inside", format: "jpeg", quality: 1, ...box }, size).frame;
}

/** The upright picture at `size`. HEIF decoders turn by themselves, the others leave it to us. */
async function decode(
  engine: Engine,
  bytes: Uint8Array,
  header: ProbeResult,
  size: Size,
): Promise<Picture> {
  if (header.format === "heic") {
    const { decodeHeif } = await import("./heif.ts");
    return await resized(engine, await decodeHeif(bytes), size);
  }
  if (header.format === "avif") return await engine.decode(bytes, header, size);
  const stored = header.orientation >= 5 ? { width: size.height, height: size.width } : size;
  const picture = await engine.decode(bytes, header, stored);
  if (header.gamma !== null) applyGamma(picture, header.gamma);
  return upright(picture, header.orientation);
}

async function resized(engine: Engine, picture: Picture, size: Size): Promise<Picture> {
  const same = picture.width === size.width && picture.height === size.height;
  return same ? picture : await engine.resize(picture, size);
}

function prepare(picture: Picture, { format, background }: OutputSpec): Picture {
  return format === "jpeg" || background ? flatten(picture, background) : picture;
}

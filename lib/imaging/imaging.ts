import { z } from "@hono/zod-openapi";
import { Problem } from "../errors.ts";
import { Exif, ImageFormat } from "../model/image.ts";
import { OutputFormat } from "../model/transform.ts";
import { PACKAGES } from "../packages.ts";
import { createSandbox, type RunLimits, type SandboxBody } from "../sandbox.ts";
import type { EngineName, ImagingRequest } from "./child.ts";
import { type OutputSpec, RENDITIONS } from "./engine.ts";

export { type OutputSpec, RENDITIONS };

/**
 * What a child may do: read packages, and load the native code in them. `ldd` tells sharp which C
 * library is here. The environment is empty but for Deno's cache, so all of it may be read. No
 * network, no writing, no programs.
 */
export const CHILD_PERMISSIONS = [
  `--allow-read=${PACKAGES},/usr/bin/ldd`,
  `--allow-ffi=${PACKAGES}`,
  "--allow-env",
];

export type ImagingOptions = {
  engine: EngineName | "auto";
  /** Children at most: one per core. */
  cores: number;
  memoryMb?: number;
  deadlineMs?: number;
  idleMs?: number;
  maxWaiting?: number;
  /** The children's environment; see `SandboxOptions.env`. */
  env?: Record<string, string>;
};

export type RenderRequest = { format: ImageFormat; outputs?: OutputSpec[]; placeholders?: boolean };
export type Rendition = { bytes: Uint8Array; width: number; height: number };
export type RenderResult = {
  /** Of the upright picture. */
  width: number;
  height: number;
  /** base64 and 16 hex digits; "" where no placeholders were asked for. */
  thumbhash: string;
  dhash: string;
  outputs: Record<string, Rendition>;
};

/** RGB, 8 bits a channel, rows from the top. */
export type Pixels = { width: number; height: number; data: Uint8Array };

export type Imaging = Awaited<ReturnType<typeof createImaging>>;

const side = z.number().int().positive();
const Size = z.object({ width: side, height: side });
const Rendered = Size.extend({
  placeholders: z.object({ thumbhash: z.base64(), dhash: z.string().regex(/^[0-9a-f]{16}$/) })
    .nullable(),
  outputs: z.array(Size.extend({ name: z.string() })),
});
const Abilities = z.object({ reads: z.array(ImageFormat), writes: z.array(OutputFormat) });

/**
 * Decoding, resizing and metadata, done in child processes. "auto" takes sharp where its native
 * library loads, else the portable imagescript.
 */
export async function createImaging(options: ImagingOptions) {
  const sandbox = createSandbox({
    name: "imaging",
    entry: new URL("./child.ts", import.meta.url),
    size: options.cores,
    memoryMb: options.memoryMb ?? 2048,
    deadlineMs: options.deadlineMs ?? 20_000,
    idleMs: options.idleMs ?? 60_000,
    recycleAfter: 500,
    maxWaiting: options.maxWaiting ?? 200,
    permissions: CHILD_PERMISSIONS,
    env: options.env,
  });
  const { engine, reads, writes } = await chooseEngine(options.engine, ask);
  // HEIC has a decoder of its own, the same for both engines.
  const formats: ImageFormat[] = [...reads, "heic"];

  async function ask(request: ImagingRequest, body?: SandboxBody, limits?: RunLimits) {
    return await sandbox.run(request, body, limits);
  }

  /** Throws `unsupported_type`, naming the engine, for a format that it cannot read. */
  function supports(format: ImageFormat): void {
    if (formats.includes(format)) return;
    const detail = `The engine ${engine} cannot read ${format}: send ${formats.join(", ")}`;
    throw new Problem("unsupported_type", detail);
  }

  /**
   * One decode, every output. Throws `unsupported_type`; `invalid_content` for a picture that
   * cannot be decoded or cost a child its life (then `extras.cause` is the sandbox's `Problem`);
   * `unavailable` when too many wait.
   */
  async function render(
    body: SandboxBody,
    { format, outputs = RENDITIONS, placeholders = false }: RenderRequest,
    limits?: RunLimits,
  ): Promise<RenderResult> {
    supports(format);
    const job = { kind: "render", engine, outputs, placeholders } as const;
    const { result, blobs } = await ask(job, body, limits).catch(blamePicture);
    const rendered = Rendered.parse(result);
    const entries = rendered.outputs.map(({ name, ...size }, index) =>
      [name, { ...size, bytes: blobs[index]! }] as const
    );
    return {
      width: rendered.width,
      height: rendered.height,
      ...rendered.placeholders ?? { thumbhash: "", dhash: "" },
      outputs: Object.fromEntries(entries),
    };
  }

  /** The upright picture's pixels, shrunk to at most `side` a side. Throws what `render` throws. */
  async function pixels(
    body: SandboxBody,
    { format, side }: { format: ImageFormat; side: number },
    limits?: RunLimits,
  ): Promise<Pixels> {
    supports(format);
    const { result, blobs } = await ask({ kind: "pixels", engine, side }, body, limits)
      .catch(blamePicture);
    return { ...Size.parse(result), data: blobs[0]! };
  }

  /** Whatever the camera wrote; damaged metadata only gives fewer fields. */
  async function exif(
    body: SandboxBody,
    { format }: { format: ImageFormat },
    limits?: RunLimits,
  ): Promise<Exif> {
    const { result } = await ask({ kind: "exif", format }, body, limits).catch(blamePicture);
    return Exif.parse(result);
  }

  return {
    render,
    pixels,
    exif,
    supports,
    formats: () => formats,
    /** What it can make of a picture. */
    writes: () => writes,
    engineName: () => engine,
    stats: sandbox.stats,
    close: sandbox.close,
    [Symbol.asyncDispose]: sandbox.close,
  };
}

/** Asks a child to load the engine: what it reads is then known, and that it works here. */
async function chooseEngine(
  wanted: EngineName | "auto",
  ask: (request: ImagingRequest) => Promise<{ result: unknown }>,
) {
  const names: EngineName[] = wanted === "auto" ? ["sharp", "imagescript"] : [wanted];
  let cause: unknown;
  for (const engine of names) {
    try {
      const { result } = await ask({ kind: "engine", engine });
      return { engine, ...Abilities.parse(result) };
    } catch (error) {
      cause = error;
    }
  }
  throw new Error(`Cannot load the image engine ${names.join(" or ")}`, { cause });
}

/** A child that died was killed by the picture: that is the caller's problem, not a server error. */
function blamePicture(error: unknown): never {
  const killed = error instanceof Problem &&
    ["upstream_timeout", "upstream_failed"].includes(error.code);
  if (!killed) throw error;
  const detail = error.code === "upstream_timeout"
    ? "The picture takes too long to decode"
    : "The picture cannot be decoded: its decoder crashed, probably out of memory";
  // It may have been the machine, not the picture: another try is worth its while.
  throw new Problem("invalid_content", detail, { retryable: true, cause: error });
}

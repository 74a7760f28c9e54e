import { Problem } from "../errors.ts";
import type { ImageFormat } from "../model/image.ts";
import { type ChildAnswer, type ChildJob, serve } from "../sandbox_child.ts";
import type { Engine, OutputSpec } from "./engine.ts";
import { readExif } from "./exif.ts";
import { readPixels, render } from "./render.ts";

export type EngineName = Engine["name"];

/** What the parent asks for; it builds these itself, so they are not checked again here. */
export type ImagingRequest =
  | { kind: "engine"; engine: EngineName }
  | { kind: "render"; engine: EngineName; outputs: OutputSpec[]; placeholders: boolean }
  | { kind: "pixels"; engine: EngineName; side: number }
  | { kind: "exif"; format: ImageFormat };

async function answer({ request, body }: ChildJob): Promise<ChildAnswer> {
  const job = request as ImagingRequest;
  if (job.kind === "exif") return { result: readExif(body, job.format) };
  const engine = await ENGINES[job.engine]();
  if (job.kind === "engine") {
    return { result: { reads: [...engine.reads], writes: [...engine.writes] } };
  }
  if (job.kind === "pixels") {
    const { data, ...size } = await blaming(() => readPixels(engine, body, job.side));
    return { result: size, blobs: [data] };
  }
  const { outputs, ...result } = await blaming(() =>
    render(engine, body, job.outputs, job.placeholders)
  );
  return {
    result: { ...result, outputs: outputs.map(({ bytes: _, ...output }) => output) },
    blobs: outputs.map((output) => output.bytes),
  };
}

/** Loaded on the first job: a child needs one of them. */
const ENGINES: Record<EngineName, () => Promise<Engine>> = {
  sharp: async () => (await import("./sharp.ts")).engine,
  imagescript: async () => (await import("./imagescript.ts")).engine,
};

/** Whatever a decoder trips over is the picture's fault. */
async function blaming<T>(decode: () => Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem("invalid_content", `Cannot decode the picture: ${reason(error)}`);
  }
}

/** The decoder's first line, without the control characters and paths that may stand in it. */
function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = text.trim().split("\n")[0]!.replace(/\p{Cc}/gu, " ").replace(/(file:)?\/\S+/g, "…");
  return line.slice(0, 200);
}

if (import.meta.main) await serve(answer);

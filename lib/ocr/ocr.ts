import { Ocr } from "../model/image.ts";
import { createSandbox, type RunLimits, type SandboxBody } from "../sandbox.ts";
import type { OcrRequest } from "./child.ts";
import { PACKAGES_FOLDER, parseLanguages } from "./models.ts";

/** Models and WebAssembly are read from packages. No network, no writing, no environment. */
export const CHILD_PERMISSIONS = [`--allow-read=${PACKAGES_FOLDER}`];

export type OcrOptions = {
  /** Languages to expect, by Tesseract's names: `eng+fra`. */
  languages: string;
  /** Children at most. */
  size: number;
  memoryMb?: number;
  deadlineMs?: number;
  idleMs?: number;
  maxWaiting?: number;
  /** The children's environment; see `SandboxOptions.env`. */
  env?: Record<string, string>;
};

export type OcrReader = ReturnType<typeof createOcr>;

/**
 * Reads the text in pictures, by Tesseract in child processes. Throws `invalid_request` when a
 * language is not installed.
 */
export function createOcr(options: OcrOptions) {
  const languages = parseLanguages(options.languages);
  const request: OcrRequest = { languages };
  const sandbox = createSandbox({
    name: "OCR",
    entry: new URL("./child.ts", import.meta.url),
    size: options.size,
    memoryMb: options.memoryMb ?? 1024,
    deadlineMs: options.deadlineMs ?? 20_000,
    idleMs: options.idleMs ?? 60_000,
    recycleAfter: 100,
    maxWaiting: options.maxWaiting ?? 200,
    permissions: CHILD_PERMISSIONS,
    env: options.env,
  });

  /**
   * Reads an upright JPEG or PNG (8 bits a channel) of at most about 2048 px a side. Throws
   * `invalid_content` when it cannot be decoded, `upstream_timeout` when reading took too long, and
   * what `Sandbox.run` throws.
   */
  async function read(picture: SandboxBody, limits: RunLimits = {}): Promise<Ocr> {
    return Ocr.parse((await sandbox.run(request, picture, limits)).result);
  }

  return {
    read,
    /** The languages in use: `["eng", "fra"]`. */
    languages: () => languages,
    stats: sandbox.stats,
    close: sandbox.close,
    [Symbol.asyncDispose]: sandbox.close,
  };
}

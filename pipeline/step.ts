import type { AiProvider } from "../lib/ai/provider.ts";
import type { Budgets } from "../lib/budgets.ts";
import type { Imaging, Rendition } from "../lib/imaging/imaging.ts";
import type { Patch } from "../lib/images.ts";
import type { ImageRow, RenditionName } from "../lib/model/image.ts";
import type { Tenant } from "../lib/model/tenant.ts";
import type { OcrReader } from "../lib/ocr/ocr.ts";

/** What a step has at hand. It reads, and returns what it learned; it writes nothing. */
export type StepContext = {
  image: ImageRow;
  tenant: Tenant;
  /** The bytes of the original, or of a rendition, as a stream of known length. */
  open(
    name: "original" | RenditionName,
  ): Promise<{ stream: ReadableStream<Uint8Array>; length: number }>;
  imaging: Imaging;
  /** null where OCR is switched off. */
  ocr: OcrReader | null;
  /** null where there is no provider; `aiReason` says why. */
  ai: AiProvider | null;
  aiReason: string;
  budgets: Budgets;
  /** Whether a step will look at the preview. */
  previewIsWanted: boolean;
  /** Aborted at the step's deadline, when the process stops, and when the claim is lost. */
  signal: AbortSignal;
};

/** What a step learned: fields of the record, and new renditions, which the worker stores first. */
export type Learned = Omit<Patch, "renditions"> & {
  renditions?: Partial<Record<RenditionName, Rendition>>;
};

export type Step = {
  /** As it stands in `steps` of an image; never changes once released. */
  name: string;
  timeoutMs: number;
  /** A rendition that must exist before the step can run. */
  needs?: RenditionName;
  /** Why the step has nothing to do for this tenant, before anything is read; null when it has. */
  off?(context: Pick<StepContext, "ocr" | "ai" | "aiReason" | "tenant">): string | null;
  /** What an equal picture of the same tenant already taught; null when it does not help. */
  reuse?(twin: ImageRow, text: () => Promise<string>): Promise<Learned | null>;
  run(context: StepContext): Promise<Learned | Skip>;
};

/** Declares a step of the pipeline; `pipeline/mod.ts` lists them. */
export function defineStep(step: Step): Step {
  return step;
}

/** An outcome that is neither success nor failure: the step has nothing to do here. */
export class Skip {
  constructor(readonly reason: string) {}
}

/** Ends the step as skipped: `return skip("OCR is off")`. */
export function skip(reason: string): Skip {
  return new Skip(reason);
}

/** Throw it when trying again is pointless: the step fails now. */
export class Discard extends Error {
  override readonly name = "Discard";
  constructor(readonly code: string, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Throw it when the time is not right: the step runs again after `ms`, and no try is spent. */
export class Snooze extends Error {
  override readonly name = "Snooze";
  constructor(readonly ms: number, reason: string) {
    super(reason);
  }
}

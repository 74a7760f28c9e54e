import type { Disk } from "../disk.ts";
import { createHealth, type Part } from "../health.ts";
import type { Predictions } from "../predictions.ts";
import type { Base } from "./base.ts";
import type { Predicting } from "./predicting.ts";
import type { Writing } from "./writing.ts";

/** Tells how Imago's parts do. */
export function healthOf(
  base: Base,
  version: string,
  { ai, aiReason, ocr }: Writing,
  { predictions }: Predicting,
  running: () => number,
) {
  const { config, disk, imaging } = base;
  const describeAi = (): Part => {
    if (!ai) return { state: "off", detail: aiReason };
    const state = ai.breaker.state().state === "open" ? "failing" : "ok";
    return { state, detail: `${ai.name} ${ai.model}` };
  };
  return createHealth({
    ...base,
    version,
    describe: async () => ({
      disk: await describeDisk(disk),
      imaging: { state: "ok", detail: imaging.engineName() },
      ocr: ocr ? { state: "ok", detail: config.OCR_LANGUAGES } : { state: "off", detail: null },
      ai: describeAi(),
      predict: await describeModel(predictions),
      worker: config.JOBS_ENABLED
        ? { state: "ok", detail: `${running()} of ${config.WORKER_MAX_JOBS} run` }
        : { state: "off", detail: "JOBS_ENABLED is false" },
    }),
  });
}

async function describeModel(predictions: Predictions): Promise<Part> {
  const about = await predictions.about();
  if (!about) return { state: "failing", detail: "the model cannot be loaded" };
  return { state: "ok", detail: about.version };
}

async function describeDisk(disk: Disk | null): Promise<Part> {
  if (!disk) return { state: "off", detail: "the records are elsewhere" };
  const free = await disk.look();
  return {
    state: disk.isFull() ? "failing" : "ok",
    detail: `${Math.floor(free / 1_048_576)} MB are free`,
  };
}

import { defineStep, skip } from "../step.ts";

/** The text in the picture. */
export const ocr = defineStep({
  name: "ocr",
  timeoutMs: 40_000,
  needs: "preview",
  off: ({ ocr }) => ocr ? null : "OCR is off",
  async reuse(twin, text) {
    const known = twin.steps.ocr?.state === "done" && twin.ocr;
    return known ? { ocr: { ...known, text: await text() } } : null;
  },
  async run({ open, ocr, signal }) {
    if (!ocr) return skip("OCR is off");
    return { ocr: await ocr.read(await open("preview"), { signal }) };
  },
});

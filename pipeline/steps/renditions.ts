import { RENDITIONS } from "../../lib/imaging/imaging.ts";
import { defineStep } from "../step.ts";

/** Thumbnails, and the preview that OCR and the model see; placeholder and perceptual hash beside them. */
export const renditions = defineStep({
  name: "renditions",
  timeoutMs: 60_000,
  async run({ image, open, imaging, signal }) {
    const { outputs, ...facts } = await imaging.render(
      await open("original"),
      { format: image.format, outputs: RENDITIONS, placeholders: true },
      { signal },
    );
    const { small, medium, preview } = outputs;
    return { ...facts, renditions: { small: small!, medium: medium!, preview: preview! } };
  },
});

import { RENDITIONS } from "../../lib/imaging/imaging.ts";
import { defineStep } from "../step.ts";

/** Thumbnails, and the preview where somebody looks at it; placeholder and perceptual hash beside them. */
export const renditions = defineStep({
  name: "renditions",
  timeoutMs: 60_000,
  async run({ image, open, imaging, previewIsWanted, signal }) {
    const { outputs, ...facts } = await imaging.render(
      await open("original"),
      {
        format: image.format,
        outputs: RENDITIONS.filter(({ name }) => name !== "preview" || previewIsWanted),
        placeholders: true,
      },
      { signal },
    );
    return { ...facts, renditions: outputs };
  },
});

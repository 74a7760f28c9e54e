import { defineStep } from "../step.ts";

/** Camera, date and position, as the file tells them. */
export const exif = defineStep({
  name: "exif",
  timeoutMs: 20_000,
  async run({ image, open, imaging, signal }) {
    return {
      exif: await imaging.exif(await open("original"), { format: image.format }, { signal }),
    };
  },
});

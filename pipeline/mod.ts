import type { Step } from "./step.ts";
import { exif } from "./steps/exif.ts";
import { ocr } from "./steps/ocr.ts";
import { renditions } from "./steps/renditions.ts";
import { vision } from "./steps/vision.ts";

/** What happens to every accepted image, in this order where one needs another. */
export const STEPS: readonly Step[] = [renditions, exif, ocr, vision];

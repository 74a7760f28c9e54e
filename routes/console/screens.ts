import { gallery } from "./gallery.tsx";
import { image } from "./image.tsx";
import type { Screen } from "./screen.ts";
import { upload } from "./upload.tsx";

/** Every screen, in the order of the menu. */
export const SCREENS: readonly Screen[] = [upload, gallery, image];

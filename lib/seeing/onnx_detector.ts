import { existsSync } from "node:fs";
import { basename } from "node:path";
import { ConfigError } from "../config.ts";
import type { Imaging } from "../imaging/imaging.ts";
import { Preparation } from "../onnx/input.ts";
import { readModelSettings } from "../onnx/labels.ts";
import { createOnnxModel } from "../onnx/onnx.ts";
import { COCO } from "./coco.ts";
import type { Detector } from "./detector.ts";
import { readYolo } from "./yolo.ts";

/** Pixels are handed on in at most this size, which is what these models look at. */
const PIXELS_SIDE = 640;
/** YOLO takes bytes divided by 255, the whole picture within grey borders. */
const YOLO: Preparation = { mean: [0, 0, 0], std: [1, 1, 1], fit: "letterbox", order: "rgb" };

type Options = {
  path: string;
  /** Things below are not told. 0..1 */
  minConfidence: number;
  imaging: Pick<Imaging, "pixels">;
};

export type OnnxDetector = ReturnType<typeof createOnnxDetector>;

/**
 * The operator's own detector: YOLOv8's layout in ONNX's format. Labels stand beside it as beside a
 * classifier; without any, they are COCO's 80. Throws a `ConfigError` where there is no such file.
 */
export function createOnnxDetector({ path, minConfidence, imaging }: Options) {
  if (!existsSync(path)) throw new ConfigError(`DETECT_MODEL_PATH: there is no "${path}"`);
  const { labels = COCO, ...settings } = readModelSettings("DETECT_MODEL_PATH", path) ?? {};
  const names = labels.map((label) => label.toLowerCase());
  const preparation = Preparation.parse({ ...YOLO, ...settings });
  // Each holds the model, and uses all that a core gives.
  const model = createOnnxModel({ name: "detect", path, preparation, size: 1 });
  let input: Promise<{ width: number; height: number }> | null = null;

  const detect: Detector = async (_tenant, jpeg, signal) => {
    const pixels = await imaging.pixels(jpeg, { format: "jpeg", side: PIXELS_SIDE }, { signal });
    input ??= model.about().then(({ input }) => input);
    const size = await input.catch((error) => {
      input = null;
      throw error;
    });
    const [output] = await model.run(pixels, { signal });
    if (!output) throw new Error("The model answers nothing");
    return readYolo(output, { labels: names, minConfidence, picture: pixels, input: size });
  };

  return {
    detect,

    /** Throws a `ConfigError` when it cannot be run. */
    async load(): Promise<void> {
      await model.about().catch((cause) => {
        throw new ConfigError(
          `DETECT_MODEL_PATH: cannot run "${basename(path)}" (${cause.message}); ` +
            "`deno task install-onnx` installs what runs such models",
          { cause },
        );
      });
    },

    stats: model.stats,
    close: model.close,
  };
}

import assert from "node:assert/strict";
import { ConfigError } from "../../../lib/config.ts";
import { createOnnxDetector } from "../../../lib/seeing/onnx_detector.ts";
import { startApp } from "../../helpers/app.ts";
import { hasOnnxRuntime } from "../../helpers/onnx.ts";
import { jpeg } from "../../helpers/photos.ts";

const MODEL = new URL("../../fixtures/onnx/detector.onnx", import.meta.url).pathname;
const signal = new AbortController().signal;

Deno.test("createOnnxDetector() refuses a model that is not there", async () => {
  await using app = await startApp({ steps: [] });
  const { imaging } = app.services;
  const open = () => createOnnxDetector({ path: "/nowhere.onnx", minConfidence: 0.5, imaging });
  assert.throws(open, (error) => error instanceof ConfigError && /nowhere/.test(error.message));
});

Deno.test({
  name: "an ONNX detector says what a picture shows, and where, in shares of the picture",
  ignore: !await hasOnnxRuntime(),
  async fn() {
    await using app = await startApp({ env: { DETECT_MODEL_PATH: MODEL }, steps: [] });
    const { ownDetector } = app.services;
    await ownDetector!.load();
    // The model calls red a person and blue a car, in the middle, a quarter wide and half as high.
    const { bytes } = await jpeg(255, 80, 80);
    const [person, ...rest] = await ownDetector!.detect(app.tenant, bytes, signal);
    assert.deepEqual([person?.label, rest], ["person", []]);
    assert.ok(person!.confidence! > 0.9);
    const { x, y, width, height } = person!.box;
    assert.deepEqual([x, y, width, height], [0.375, 0.25, 0.25, 0.5]);
  },
});

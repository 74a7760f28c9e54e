import assert from "node:assert/strict";
import { createOnnxModel } from "../../../lib/onnx/onnx.ts";
import { Preparation, prepare, shapeOf } from "../../../lib/onnx/input.ts";
import { createOnnxClassifier } from "../../../lib/predict/onnx_classifier.ts";
import { ConfigError } from "../../../lib/config.ts";
import { hasOnnxRuntime } from "../../helpers/onnx.ts";

const MODEL = new URL("../../fixtures/onnx/colours.onnx", import.meta.url).pathname;

/** A picture of one colour. */
function plain(width: number, height: number, colour: number[]) {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => colour[at % 3]!);
  return { width, height, data };
}

Deno.test("shapeOf() reads both orders of axes, and refuses what takes no pictures", () => {
  const apart = shapeOf({ type: "float32", shape: ["n", 3, 64, 32] });
  assert.deepEqual(apart, { height: 64, width: 32, colours: "apart", bytes: false });
  const together = shapeOf({ type: "uint8", shape: [1, "h", "w", 3] });
  assert.deepEqual(together, { height: 224, width: 224, colours: "together", bytes: true });
  assert.throws(() => shapeOf({ type: "float32", shape: [1, 10] }), /not pictures/);
});

Deno.test("prepare() lays colours apart and normalises them; a letterbox has grey borders", () => {
  const shape = shapeOf({ type: "float32", shape: [1, 3, 2, 2] });
  const how = Preparation.parse({ mean: [0, 0, 0.5], std: [1, 1, 0.5], fit: "letterbox" });
  const { data, dims } = prepare({ ...plain(2, 1, [255, 0, 255]), channels: 3 }, shape, how);
  assert.deepEqual(dims, [1, 3, 2, 2]);
  const grey = 114 / 255;
  const rounded = [...data].map((value) => Math.round(value * 1e4) / 1e4);
  const expected = [1, 1, grey, grey, 0, 0, grey, grey, 1, 1, 2 * grey - 1, 2 * grey - 1];
  assert.deepEqual(rounded, expected.map((value) => Math.round(value * 1e4) / 1e4));
});

Deno.test("createOnnxClassifier() refuses a model without labels in a sentence", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.copyFile(MODEL, `${folder}/colours.onnx`);
    const open = () => createOnnxClassifier({ path: `${folder}/colours.onnx`, size: 1 });
    assert.throws(open, (error) => error instanceof ConfigError && /labels/.test(error.message));
    await Deno.writeTextFile(`${folder}/labels.txt`, "red\ngreen\nblue\n");
    await open().close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "an ONNX model runs in its child and names the colour that there is most of",
  ignore: !await hasOnnxRuntime(),
  sanitizeOps: true,
  sanitizeResources: true,
  async fn() {
    const classifier = createOnnxClassifier({ path: MODEL, size: 1 });
    try {
      assert.deepEqual((await classifier.about()).labels, ["red", "green", "blue"]);
      const { scores, model } = await classifier.classify("t", plain(40, 20, [20, 20, 200]));
      assert.equal(model, "colours.onnx");
      const sum = Object.values(scores).reduce((sum, score) => sum + score);
      assert.ok(Math.abs(sum - 1) < 1e-6);
      assert.ok(scores.blue! > 0.9 && Math.abs(scores.red! - scores.green!) < 1e-6);
    } finally {
      await classifier.close();
    }
  },
});

Deno.test("about() says what is wrong with a model that cannot be loaded", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/broken.onnx`, "not a model");
    await using model = createOnnxModel({
      ...{ name: "test", path: `${folder}/broken.onnx`, size: 1 },
      preparation: Preparation.parse({}),
    });
    await assert.rejects(model.about());
    await assert.rejects(model.run(plain(4, 4, [1, 2, 3])));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

import assert from "node:assert/strict";
import { createImaging } from "../../../lib/imaging/imaging.ts";
import { createPets, PIXELS_SIDE } from "../../../lib/predict/pets.ts";
import { sigmoid } from "../../../lib/predict/pets_model.ts";

const FIXTURES = new URL("../../fixtures/", import.meta.url);

type Answer = { file: string; dog: number; pet_logit: number };

/** What docs/model/predict.py answered for the fixtures, from the same file. */
async function answers(): Promise<Answer[]> {
  const lines = await Deno.readTextFile(new URL("pets/answers.jsonl", FIXTURES));
  return lines.trim().split("\n").map((line) => JSON.parse(line));
}

Deno.test({
  name: "the built-in model",
  sanitizeOps: true,
  sanitizeResources: true,
  async fn(t) {
    await using imaging = await createImaging({ engine: "auto", cores: 1 });
    await using pets = createPets({ size: 1 });
    const look = async (file: string) => {
      const bytes = await Deno.readFile(new URL(file, FIXTURES));
      const format = file.endsWith(".png") ? "png" : "jpeg";
      return await pets.look(await imaging.pixels(bytes, { format, side: PIXELS_SIDE }));
    };

    await t.step("look() answers as the training's own program, to a thousandth", async () => {
      const all = await answers();
      assert.ok(all.length >= 4);
      for (const { file, dog, pet_logit } of all) {
        const given = await look(file);
        assert.ok(
          Math.abs(sigmoid(given.dog) - dog) < 1e-3,
          `${file}: ${sigmoid(given.dog)} ${dog}`,
        );
        assert.ok(Math.abs(given.pet - pet_logit) < 0.05, `${file}: ${given.pet} ${pet_logit}`);
      }
    });

    await t.step("look() tells a cat from what is neither cat nor dog", async () => {
      const { petThreshold } = await pets.about();
      const cat = await look("pets/cat.jpg");
      assert.ok(sigmoid(cat.dog) < 0.4, `${sigmoid(cat.dog)}`);
      assert.ok(cat.pet > petThreshold);
      assert.ok((await look("pets/coffee.jpg")).pet < petThreshold);
    });

    await t.step("about() tells the size of the network and its version", async () => {
      const { version, parameters, head } = await pets.about();
      assert.match(version, /^cats-dogs-\d+$/);
      assert.ok(parameters > 500_000);
      assert.equal(head.weights.length, 256);
    });

    await t.step("fit() moves the last layer towards the examples", async () => {
      const { features, dog } = await look("pets/cat.jpg");
      const examples = Array.from({ length: 5 }, () => ({ features, isDog: true }));
      const { weights, bias } = await pets.fit(examples);
      const after = features.reduce((sum, value, at) => sum + value * weights[at]!, bias);
      assert.ok(after > dog);
    });
  },
});

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { startApp } from "../helpers/app.ts";
import type { Image } from "../../lib/model/image.ts";

type Entry = {
  file: string;
  outcome: "accept" | "reject" | "policy" | "either";
  display_width: number | null;
  display_height: number | null;
  core: boolean;
};

const CORPUS = new URL("../../../shared/corpus/", import.meta.url);
const ignore = !existsSync(new URL("manifest.json", CORPUS));
const FULL = Deno.env.get("IMAGO_FULL") === "1";

/** What may come of a picture that must be accepted, refused, or cleanly either. */
const ENDS: Record<Entry["outcome"], RegExp> = {
  accept: /^done$/,
  reject: /^(4\d\d|failed)$/,
  policy: /^(done|415)$/,
  either: /^(done|4\d\d|failed|partial)$/,
};

for (const engine of ["sharp", "imagescript"]) {
  const name =
    `every picture of the corpus ends as it should, through the whole path, by ${engine}`;
  Deno.test({ name, ignore: ignore || (engine === "imagescript" && !FULL) }, async (t) => {
    await using app = await startApp({ env: { IMAGE_ENGINE: engine } });
    for (const entry of await entries()) {
      const bytes = await Deno.readFile(new URL(entry.file, CORPUS));
      const upload = await app.upload(bytes, entry.file.split("/").at(-1));
      const { id, detail } = await upload.json();
      await t.step(`${entry.file}: ${entry.outcome}`, async () => {
        if (!id) {
          assert.ok(detail, "a refusal says why");
          const unread = engine === "imagescript" && detail.includes("imagescript");
          if (!unread) assert.match(String(upload.status), ENDS[entry.outcome], detail);
          return;
        }
        await app.drain();
        const image: Image = await (await app.request(`/images/${id}`)).json();
        assert.match(image.status, ENDS[entry.outcome], JSON.stringify(image.steps));
        if (entry.outcome === "accept" && entry.display_width) {
          assert.deepEqual([image.width, image.height], [
            entry.display_width,
            entry.display_height,
          ]);
        }
        if (image.status === "failed") assert.ok(image.steps.renditions?.reason);
      });
    }
    const ended = await app.request("/health");
    assert.equal(ended.status, 200);
  });
}

/** The representative part, or everything. */
async function entries(): Promise<Entry[]> {
  const { files } = JSON.parse(await Deno.readTextFile(new URL("manifest.json", CORPUS)));
  return files.filter(({ core }: Entry, index: number) => FULL || (core && index % 2 === 0));
}

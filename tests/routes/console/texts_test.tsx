import assert from "node:assert/strict";
import { createAssets } from "../../../routes/console/assets.ts";
import type { Translate } from "../../../routes/console/language.ts";
import { Layout } from "../../../routes/console/layout.tsx";
import { SCREENS } from "../../../routes/console/screens.ts";
import { en } from "../../../routes/console/static/texts/en.js";
import { fr } from "../../../routes/console/static/texts/fr.js";
import type { Text } from "../../../routes/console/static/messages.js";
import { PROBLEMS } from "../../../lib/errors.ts";

const FOLDER = new URL("../../../routes/console/", import.meta.url);

async function* sources(folder = FOLDER): AsyncGenerator<[path: string, text: string]> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory && name !== "texts") yield* sources(new URL(`${name}/`, folder));
    else if (/\.(js|ts|tsx)$/.test(name)) {
      yield [name, await Deno.readTextFile(new URL(name, folder))];
    }
  }
}

Deno.test("both dictionaries have the same keys, in the same order, and no empty text", () => {
  assert.deepEqual(Object.keys(fr), Object.keys(en));
  for (const dictionary of [en, fr]) {
    for (const [key, text] of Object.entries<Text>(dictionary)) {
      const forms: string[] = typeof text === "string" ? [text] : Object.values(text);
      assert.ok(forms.length === 1 || "one" in Object(text), key);
      assert.ok(forms.every((form) => form.trim()), key);
    }
  }
});

Deno.test("a text has the same values in both languages", () => {
  const values = (text: unknown) =>
    [...new Set([...JSON.stringify(text).matchAll(/\{\w+\}/g)].map(String))].toSorted();
  for (const [key, text] of Object.entries(fr)) {
    assert.deepEqual(values(text), values(en[key as keyof typeof en]), key);
  }
});

Deno.test("every problem that the API answers with has a text for the reader", () => {
  const missing = Object.keys(PROBLEMS).filter((code) => !(`problem.${code}` in en));
  assert.deepEqual(missing, ["method_not_allowed", "range_not_satisfiable", "upgrade_required"]);
});

Deno.test("every text of the dictionaries is used", async () => {
  const texts: string[] = [];
  for await (const [, text] of sources()) texts.push(text);
  const all = texts.join("\n");
  const made = [...all.matchAll(/[`"]([\w.]+)\.\$\{/g), ...all.matchAll(/tOf\("(\w+)"/g)];
  const prefixes = new Set(made.map(([, prefix]) => `${prefix}.`));
  const unused = Object.keys(en).filter((key) =>
    !all.includes(`"${key}"`) && ![...prefixes].some((prefix) => key.startsWith(prefix))
  );
  assert.deepEqual(unused, []);
});

Deno.test("no text of a page comes from elsewhere than the dictionaries", () => {
  const t: Translate = (key) => `⟦${key}⟧`;
  const assets = createAssets();
  const preferences = { language: "en", theme: "auto" } as const;
  const allowed =
    /^(Imago|English|Français|· Imago|imago_…|https:\/\/|width=device-width.*|light dark)$/;
  for (const screen of SCREENS) {
    const { Body } = screen;
    const html = String(
      <Layout {...{ screen, screens: SCREENS, assets, preferences, t }}>
        <Body {...{ t, preferences }} />
      </Layout>,
    );
    const shown = [
      ...html.replace(/<[^>]+>/g, "\n").split("\n"),
      ...[...html.matchAll(/ (?:aria-label|title|alt|placeholder|content)="([^"]*)"/g)].map((
        [, value],
      ) => value!),
    ];
    const foreign = shown.map((text) => text.replace(/⟦[^⟧]+⟧/g, "").trim())
      .filter((text) => /\p{L}/u.test(text) && !allowed.test(text));
    assert.deepEqual(foreign, [], screen.name);
  }
});

Deno.test("no sentence stands in the browser's modules", async () => {
  const sentence = /["`]([A-Z][a-z]+ [^"`]+|[^"`]*[a-z]+ [a-z]+ [a-z]+[^"`]*)["`]/;
  const found: string[] = [];
  for await (const [name, text] of sources(new URL("static/", FOLDER))) {
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
    for (const line of code.split("\n")) {
      if (sentence.test(line) && !/new (Api)?Error\(|`Bearer /.test(line)) {
        found.push(`${name}: ${line.trim()}`);
      }
    }
  }
  assert.deepEqual(found, []);
});

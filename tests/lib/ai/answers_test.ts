import assert from "node:assert/strict";
import { z } from "zod";
import {
  cleanLine,
  cleanProse,
  jsonSchemaOf,
  line,
  prose,
  readAnswer,
  share,
  tags,
} from "../../../lib/ai/answers.ts";

const usage = { input_tokens: 1, output_tokens: 2, cost: null, model: "m" };
const Shape = z.object({ title: line(10), confidence: share });
const read = (text: string) => readAnswer(text, Shape, usage);

Deno.test("readAnswer() reads JSON, fenced JSON, JSON in talk and JSON after thoughts", () => {
  const json = '{"title":"A","confidence":0.5}';
  for (
    const text of [
      json,
      "```json\n" + json + "\n```",
      `Sure! ${json} Bye`,
      `<think>{}</think>${json}`,
    ]
  ) {
    assert.deepEqual(read(text), { title: "A", confidence: 0.5 });
  }
});

for (
  const [why, text] of [
    ["it is empty", " "],
    ["it is not JSON", "no"],
    ["it is not JSON", "<h1>Bad gateway</h1>"],
    ["it is not JSON", '{"title":"A","confidence":NaN}'],
    ["it is not JSON", '{"title":"A","conf'],
    ["it is not JSON", '"text"'],
    ['"title" has another form', '{"title":42,"confidence":1}'],
    ['"title" has another form', '{"title":"\\u0000 ","confidence":1}'],
    ['"confidence" has another form', '{"title":"A","confidence":1e400}'],
    ['"confidence" has another form', '{"title":"A"}'],
  ] as const
) {
  Deno.test(`readAnswer() refuses ${text} because ${why}`, () => {
    assert.throws(() => read(text), {
      kind: "answer",
      detail: `Cannot use the AI's answer: ${why}`,
      usage,
    });
  });
}

Deno.test("readAnswer() takes a megabyte of unclosed fences and braces in its stride", () => {
  for (
    const text of ["```json\n".repeat(131_072), "{".repeat(1_048_576), "<think>".repeat(149_796)]
  ) {
    assert.throws(() => read(text), { kind: "answer" });
  }
});

Deno.test("share moves what lies outside 0..1 to its border", () => {
  assert.deepEqual([-3, 0.25, 97].map((value) => share.parse(value)), [0, 0.25, 1]);
});

Deno.test("tags are lower-case, different, plain, at most 20 of at most 40 characters", () => {
  assert.deepEqual(
    tags.parse(["Café", "CAFÉ", " c++ ", "<script>", "../../x", "\u0000", "日本", "a\u202eb"]),
    [
      "café",
      "c++",
      "script",
      "x",
      "日本",
      "a b",
    ],
  );
  const many = tags.parse(Array.from({ length: 500 }, (_, i) => `${i} ${"y".repeat(99)}`));
  assert.equal(many.length, 20);
  assert(many.every((tag) => tag.length <= 40));
});

Deno.test("prose() keeps line breaks and cuts without halving a character", () => {
  assert.equal(prose(100).parse(" a\r\nb\tc "), "a\nb\tc");
  assert.equal(prose(4).parse("abc😀"), "abc");
});

Deno.test("cleanProse() drops controls, invisible and broken characters, not what joins emoji", () => {
  assert.equal(cleanProse("a\u0000\u001b[31m\u202e\u200b\ud800b 👩‍🚀\u{e0041}", 100), "a[31mb 👩‍🚀");
});

Deno.test("cleanLine() makes one line", () => {
  assert.equal(cleanLine(" a\n\n b\u2028c ", 100), "a bc");
});

Deno.test("jsonSchemaOf() forbids more fields everywhere and requires all", () => {
  const schema = jsonSchemaOf(z.object({ list: z.array(z.object({ a: line(3) })) }));
  assert.deepEqual(schema, {
    type: "object",
    properties: {
      list: {
        type: "array",
        items: {
          type: "object",
          properties: { a: { type: "string" } },
          required: ["a"],
          additionalProperties: false,
        },
      },
    },
    required: ["list"],
    additionalProperties: false,
  });
});

import assert from "node:assert/strict";
import { outline, tidy } from "../../../lib/reader/outline.ts";

Deno.test("outline() gives one paragraph a block, one line a row, item or break", () => {
  const { text } = outline(`<h1>Title</h1><p>One
    <b>two</b>&nbsp;three<p>four<br>five<ul><li>a<li>b</ul>
    <table><tr><td>1<td>2<tr><td>3</table>end`);
  assert.equal(text, "Title\n\nOne two three\n\nfour\nfive\n\na\nb\n\n1 2\n3\n\nend");
});

Deno.test("outline() leaves out what nobody sees", () => {
  const unseen = [
    "<script>secret</script>",
    "<style>secret</style>",
    "<!-- secret -->",
    "<template><p>secret</template>",
    "<noscript>secret</noscript>",
    "<textarea>secret</textarea>",
    "<svg><title>secret</title><text>secret</text></svg>",
    "<div hidden><p>secret</p>secret</div>",
    "<div style='color:red; Display : none'>secret</div>",
    "<p style=visibility:hidden>secret",
    "<span aria-hidden=true>secret</span>",
    "<img alt=secret>",
    "<input value=secret>",
  ];
  for (const html of unseen) assert.equal(outline(`<p>a</p>${html}<p>b`).text, "a\n\nb", html);
});

Deno.test("outline() finds title and language", () => {
  const table: [html: string, title: string, language: string | null][] = [
    ["<html lang=fr_ca><head><title>A &amp; b</title><body>x", "A & b", "fr-CA"],
    ["<meta property=og:title content=Og><meta property=og:locale content=de_DE>", "Og", "de-DE"],
    ["<title> </title><meta name=twitter:title content=T>", "T", null],
    ["<html lang='not a tag'><svg><title>icon</title></svg>", "icon", null],
    ["<title>first</title><svg><title>icon</title></svg>", "first", null],
    ["<html lang=en lang=fr><meta http-equiv=Content-Language content=fr>", "", "en"],
  ];
  for (const [html, title, language] of table) {
    const found = outline(html);
    assert.deepEqual({ title: found.title, language: found.language }, { title, language });
  }
});

Deno.test("outline() counts nodes and depth, and refuses what is absurdly deep", () => {
  const { nodes, depth } = outline("<div><p>a<p>b</div><br>");
  assert.deepEqual({ nodes, depth }, { nodes: 6, depth: 2 });
  assert.throws(() => outline("<b>".repeat(200_000)), /nested too deep/);
});

Deno.test("tidy() leaves single spaces, empty lines between paragraphs, no control characters", () => {
  assert.equal(tidy(" a \t b\r\n\r\n\r\nc\x1b[31m\x07\u0085 \n d\n"), "a b\n\nc[31m\nd");
});

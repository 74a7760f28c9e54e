import assert from "node:assert/strict";
import { decodeText } from "../../../lib/reader/charset.ts";

const latin = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test("decodeText() believes mark, header, page and bytes, in this order", () => {
  const table: [bytes: Uint8Array, contentType: string, text: string][] = [
    [utf8("\uFEFFé"), "text/html; charset=windows-1252", "é"],
    [latin("\xff\xfeh\0i\0"), "text/html", "hi"],
    [latin("\xfe\xff\0h\0i"), "text/html", "hi"],
    [latin("caf\xe9 \x80"), "text/html; charset=windows-1252", "café €"],
    [latin("caf\xe9"), 'text/html; charset="ISO-8859-1"', "café"],
    [
      utf8('<meta charset="windows-1252">é'),
      "text/html; Charset=UTF-8",
      '<meta charset="windows-1252">é',
    ],
    [latin("<meta charset=windows-1251>\xcf"), "text/html", "<meta charset=windows-1251>П"],
    [
      latin('<META http-equiv=x content="text/html; charset=shift_jis">\x83\x65'),
      "",
      '<META http-equiv=x content="text/html; charset=shift_jis">テ',
    ],
    [latin('<?xml encoding="koi8-r"?>\xf0'), "", '<?xml encoding="koi8-r"?>П'],
    [utf8("<meta charset=utf-16>é"), "", "<meta charset=utf-16>é"],
    [utf8("é"), "text/html", "é"],
    [latin("caf\xe9"), "text/html", "café"],
    [utf8("é"), "text/html; charset=no-such-thing", "é"],
    [latin("\xff\xfe\xc0\xaf".slice(2)), "text/html; charset=utf-8", "\uFFFD\uFFFD"],
    [new Uint8Array(0), "", ""],
  ];
  for (const [bytes, contentType, text] of table) {
    assert.equal(decodeText(bytes, contentType), text);
  }
});

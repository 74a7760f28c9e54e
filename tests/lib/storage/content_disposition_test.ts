import assert from "node:assert/strict";
import { cleanFileName, contentDisposition } from "../../../lib/storage/content_disposition.ts";

Deno.test("contentDisposition() writes plain names plainly", () => {
  assert.equal(contentDisposition("inline", "a b.jpg"), 'inline; filename="a b.jpg"');
});

Deno.test("contentDisposition() adds the RFC 8187 form where ASCII does not do", () => {
  assert.equal(
    contentDisposition("attachment", "€ rates'(1)*.jpg"),
    `attachment; filename="_ rates'(1)*.jpg"; filename*=UTF-8''%E2%82%AC%20rates%27%281%29%2A.jpg`,
  );
});

const HOSTILE: [string, string][] = [
  ['a".jpg; filename="b.html', 'filename="a_.jpg_ filename=_b.html"'],
  ["../../etc/passwd", 'filename=".._.._etc_passwd"'],
  ["a\r\nX-Inj: 1.png", 'filename="aX-Inj: 1.png"'],
  ["\u0000\u0001\u0002.jpg", 'filename=".jpg"'],
  ["\u202egnp.exe", 'filename="gnp.exe"'],
  ["\ud800.jpg", 'filename="_.jpg"'],
  ["%s%n%x.jpg", 'filename="_s_n_x.jpg"'],
  ["a\\b.jpg", 'filename="a_b.jpg"'],
  ["", 'filename="file"'],
];

for (const [name, expected] of HOSTILE) {
  Deno.test(`contentDisposition() disarms ${JSON.stringify(name)}`, () => {
    const value = contentDisposition("attachment", name);
    assert.ok(value.startsWith(`attachment; ${expected}`), value);
    assert.match(
      value,
      /^attachment; filename="[\x20-\x7e]*"(; filename\*=UTF-8''[\w.!#$&+^`|~%-]*)?$/,
    );
    assert.equal(new Headers({ "content-disposition": value }).get("content-disposition"), value);
  });
}

Deno.test("cleanFileName() gives NFC without control characters", () => {
  assert.equal(cleanFileName("e\u0301\u0007\u0085.jpg "), "é.jpg");
  assert.equal(cleanFileName("\ud800.jpg"), "\ufffd.jpg");
  assert.equal(cleanFileName(" \u0000 "), "file");
});

Deno.test("cleanFileName() keeps the extension within 255 bytes", () => {
  for (const char of ["a", "é", "€", "😀"]) {
    const name = cleanFileName(`${char.repeat(1_000)}.jpeg`);
    const bytes = new TextEncoder().encode(name).length;
    assert.ok(bytes > 250 && bytes <= 255, `${bytes} bytes`);
    assert.ok(name.endsWith(`${char}.jpeg`));
  }
});

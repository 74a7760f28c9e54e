import assert from "node:assert/strict";
import { createSplitter } from "../../cameras/sources/multipart.ts";

const MAX = 1_000;
const jpeg = (...inside: number[]) => Uint8Array.of(0xff, 0xd8, ...inside, 0xff, 0xd9);
const bytes = (...parts: (string | Uint8Array)[]) =>
  new Uint8Array(
    parts.flatMap((part) =>
      typeof part === "string" ? [...new TextEncoder().encode(part)] : [...part]
    ),
  );
/** All pictures, however the bytes are cut. */
const split = (boundary: string, body: Uint8Array, size: number) => {
  const splitter = createSplitter(boundary, MAX);
  const pictures: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += size) {
    pictures.push(...splitter.push(body.subarray(at, at + size)));
  }
  return pictures;
};

const PICTURES = [jpeg(1, 2, 3), jpeg(13, 10, 13, 10, 45, 45, 7), jpeg(9)];
const parts = (mark: string, header: (picture: Uint8Array) => string) =>
  bytes(...PICTURES.flatMap((picture) => [`${mark}\r\n${header(picture)}`, picture, "\r\n"]), mark);

const BODIES: [what: string, boundary: string, body: Uint8Array][] = [
  ["lengths", "x", parts("--x", ({ length }) => `Content-Length: ${length}\r\n\r\n`)],
  ["no lengths", "x", parts("--x", () => "Content-Type: image/jpeg\r\n\r\n")],
  ["dashes in the boundary", "--x", parts("--x", () => "Content-Type: image/jpeg\r\n\r\n")],
  ["dashes in the body alone", "x", parts("----x", () => "Content-Type: image/jpeg\r\n\r\n")],
  ["dashes nowhere", "xyz", parts("xyz", () => "Content-Type: image/jpeg\r\n\r\n")],
  ["bare line feeds", "x", parts("--x", ({ length }) => `content-length:${length}\n\n`)],
];

for (const [what, boundary, body] of BODIES) {
  Deno.test(`createSplitter() finds each picture once, with ${what}, wherever it is cut`, () => {
    for (const size of [1, 2, 7, body.length]) {
      assert.deepEqual(split(boundary, body, size), PICTURES, `in pieces of ${size}`);
    }
  });
}

Deno.test("createSplitter() leaves out what is no JPEG", () => {
  const body = bytes("--x\r\n\r\n", "hello", "\r\n--x\r\n\r\n", jpeg(1), "\r\n--x");
  assert.deepEqual(split("x", body, 5), [jpeg(1)]);
});

Deno.test("createSplitter() holds no more than a picture may have", () => {
  const endless = new Uint8Array(MAX + 1).fill(7);
  const push = (...body: (string | Uint8Array)[]) => () =>
    createSplitter("x", MAX).push(bytes(...body));
  assert.throws(push("--x\r\nContent-Length: 1001\r\n\r\n"), /too large/);
  assert.throws(push("--x\r\n\r\n", endless), /too large/);
  assert.throws(push(new Uint8Array(9_000).fill(65)), /header does not end/);
});

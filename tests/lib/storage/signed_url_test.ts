import assert from "node:assert/strict";
import { createSignedUrls, type SignedFile } from "../../../lib/storage/signed_url.ts";
import { isProblem } from "./conformance.ts";

const FILE: SignedFile = {
  tenant: "t1",
  key: "t1/image/original",
  expiresAt: new Date(2_000_000),
  filename: 'é "a".jpg',
  mime: "image/jpeg",
  disposition: "inline",
};

function urls(now = 1_000_000, secrets = ["s".repeat(32)]) {
  return createSignedUrls({ secrets, now: () => now });
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

Deno.test("verify() gives back what sign() was given", () => {
  const token = urls().sign(FILE);
  assert.match(token, /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{43}$/);
  assert.deepEqual(urls().verify(token), FILE);
});

Deno.test("sign() is the HMAC-SHA-256 of the payload under its context", async () => {
  const [payload = "", signature] = urls().sign(FILE).split(".");
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const secret = new TextEncoder().encode("s".repeat(32));
  const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]);
  const message = new TextEncoder().encode(`imago signed file v1\n${payload}`);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, message));
  assert.equal(signature, mac.toBase64({ alphabet: "base64url", omitPadding: true }));
});

Deno.test("verify() refuses every other character anywhere in a token", () => {
  const token = urls().sign(FILE);
  for (let i = 0; i < token.length; i++) {
    for (const char of i > token.length - 4 ? ALPHABET : "Aa0-.=+/ ") {
      if (char === token[i]) continue;
      const forged = token.slice(0, i) + char + token.slice(i + 1);
      assert.throws(() => urls().verify(forged), isProblem("forbidden"), forged);
    }
  }
});

Deno.test("verify() refuses other spellings of a valid token", () => {
  const token = urls().sign(FILE);
  const [payload = "", signature = ""] = token.split(".");
  const bytes = Uint8Array.fromBase64(signature, { alphabet: "base64url" });
  const spellings = [
    "",
    ".",
    payload,
    `${payload}.`,
    `.${signature}`,
    `${token}=`,
    `${token}.`,
    `${token}.x`,
    `${payload}=.${signature}`,
    ` ${token}`,
    `${token}\n`,
    token.toUpperCase(),
    token.toLowerCase(),
    `${payload}.${signature.slice(0, -1)}`,
    `${payload}.${signature}A`,
    `${payload}.${bytes.toBase64()}`,
    `${payload}.${bytes.toHex()}`,
    `${signature}.${payload}`,
    `${payload}.${signature}`.repeat(200),
  ];
  for (const spelling of spellings) {
    assert.throws(() => urls().verify(spelling), isProblem("forbidden"), spelling.slice(0, 300));
  }
});

Deno.test("verify() answers gone for an expired link, only if it was signed here", () => {
  const token = urls().sign(FILE);
  assert.deepEqual(urls(1_999_999).verify(token), FILE);
  for (const late of [2_000_000, 2_001_000, 9e15]) {
    assert.throws(() => urls(late).verify(token), isProblem("gone"));
  }
  const forged = urls(0, ["x".repeat(32)]).sign(FILE);
  assert.throws(() => urls(9e15).verify(forged), isProblem("forbidden"));
});

Deno.test("verify() accepts every secret, sign() uses the first", () => {
  const [old, fresh] = ["o".repeat(32), "n".repeat(32)];
  const token = urls(0, [old]).sign(FILE);
  assert.deepEqual(urls(0, [fresh, old]).verify(token), FILE);
  assert.deepEqual(urls(0, [fresh]).verify(urls(0, [fresh, old]).sign(FILE)), FILE);
  assert.throws(() => urls(0, [fresh]).verify(token), isProblem("forbidden"));
});

Deno.test("sign() tells fields apart that read the same when joined", () => {
  const one = urls().sign({ ...FILE, filename: "a", mime: "bc" });
  const two = urls().sign({ ...FILE, filename: "ab", mime: "c" });
  assert.notEqual(one, two);
});

Deno.test("sign() refuses what could never be verified", () => {
  for (const expiresAt of [new Date(NaN), new Date(-1)]) {
    assert.throws(() => urls().sign({ ...FILE, expiresAt }));
  }
  assert.throws(() => urls().sign({ ...FILE, tenant: "t2" }), TypeError);
  assert.throws(() => createSignedUrls({ secrets: [] }), TypeError);
});

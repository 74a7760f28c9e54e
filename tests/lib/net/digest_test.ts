import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { challengesOf, createDigest, strongest } from "../../../lib/net/digest.ts";

/** RFC 7616, 3.9.1: a server that offers both algorithms. */
const RFC_7616 = `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, ` +
  `nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ` +
  `opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", ` +
  `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, ` +
  `nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ` +
  `opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;
const ASKED = { method: "GET", uri: "/dir/index.html" };
const cnonce = () => "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

const md5 = (text: string) => createHash("md5").update(text).digest("hex");
const wordOf = (header: string, name: string) =>
  new RegExp(`\\b${name}="?([^",]*)`).exec(header)?.[1];

Deno.test("challengesOf() takes several challenges of a header apart", () => {
  const all = challengesOf(`${RFC_7616}, Basic realm="a \\"b\\", c"`);
  assert.deepEqual(all.map(({ scheme, words }) => [scheme, words.algorithm ?? words.realm]), [
    ["digest", "SHA-256"],
    ["digest", "MD5"],
    ["basic", 'a "b", c'],
  ]);
  assert.deepEqual(challengesOf("Negotiate"), []);
  assert.deepEqual(challengesOf('no/Digest nonce="1"'), []);
  assert.deepEqual(
    challengesOf('NTLM TlRMTVNT==,Digest nonce="1"').map(({ scheme }) => scheme),
    ["ntlm", "digest"],
  );
  // Made to be slow: were it read whole, this test would not end.
  challengesOf(`Digest ${"a=b ".repeat(100_000)}${" ".repeat(100_000)}!`);
});

Deno.test("prove() answers as RFC 7616's examples do, with the stronger algorithm first", () => {
  const [sha256, md5] = challengesOf(RFC_7616);
  assert.equal(strongest([md5!, sha256!]), sha256);
  const responses = [sha256!, md5!].map((challenge) => {
    const header = createDigest(challenge, { user: "Mufasa", password: "Circle of Life" }, cnonce)
      .prove(ASKED);
    assert.equal(wordOf(header, "opaque"), "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS");
    return wordOf(header, "response");
  });
  assert.deepEqual(responses, [
    "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    "8ca523f5e9506fed4657c9700eebdbec",
  ]);
});

Deno.test("prove() answers as RFC 2617's example does, and as RFC 2069 did without qop", () => {
  const words = `realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"`;
  const [challenge] = challengesOf(`Digest ${words}, qop="auth,auth-int"`);
  const digest = createDigest(
    challenge!,
    { user: "Mufasa", password: "Circle Of Life" },
    () => "0a4f113b",
  );
  assert.equal(wordOf(digest.prove(ASKED), "response"), "6629fae49393a05397450978507c4ef1");
  const second = digest.prove(ASKED);
  assert.equal(wordOf(second, "nc"), "00000002", "a nonce serves again");
  const [old] = challengesOf(`Digest ${words}`);
  const header = createDigest(old!, { user: "Mufasa", password: "CircleOfLife" }).prove(ASKED);
  assert.equal(wordOf(header, "response"), "1949323746fe6a43ef61f9606e7febea");
  assert.ok(!/nc=|qop=/.test(header));
});

Deno.test("prove() keeps the secret of a session, which is made of its first request", () => {
  const [challenge] = challengesOf('Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess');
  const login = { user: "me", password: "pass" };
  const digest = createDigest(challenge!, login);
  const headers = [digest.prove(ASKED), digest.prove(ASKED)];
  const [first] = headers.map((header) => wordOf(header, "cnonce"));
  const secret = md5(`${md5("me:r:pass")}:n:${first}`);
  headers.forEach((header, at) => {
    const counted = `n:0000000${at + 1}:${first}:auth`;
    const wanted = md5(`${secret}:${counted}:${md5("GET:/dir/index.html")}`);
    assert.equal(wordOf(header, "response"), wanted);
  });
});

Deno.test("prove() counts user and password as UTF-8, and a realm as the bytes that were sent", () => {
  const sent = (text: string) => Buffer.from(text).toString("latin1");
  const [challenge] = challengesOf(`Digest realm="${sent("Caméra")}", nonce="n"`);
  const login = { user: "Zoé 門", password: "clé" };
  const header = createDigest(challenge!, login).prove(ASKED);
  const wanted = md5(`${md5("Zoé 門:Caméra:clé")}:n:${md5("GET:/dir/index.html")}`);
  assert.equal(wordOf(header, "response"), wanted);
  assert.equal(wordOf(header, "username"), sent("Zoé 門"));
});

Deno.test("strongest() takes no challenge that it cannot answer", () => {
  for (const words of ['qop="auth-int"', "algorithm=SHA-512-256", 'qop=""']) {
    assert.equal(strongest(challengesOf(`Digest realm="x", nonce="y", ${words}`)), undefined);
  }
  assert.equal(strongest(challengesOf('Digest realm="x"')), undefined, "without a nonce");
});

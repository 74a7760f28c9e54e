import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createSafeFetch } from "../../../lib/net/safe_fetch.ts";

type Answer = { asked: string[]; url: string };

const md5 = (text: string) => createHash("md5").update(text).digest("hex");

/** A server on loopback that answers as `refuse` says; "" lets in. */
async function withServer(
  refuse: (authorization: string, request: Request) => string,
  test: (world: Answer & { net: ReturnType<typeof createSafeFetch> }) => Promise<void>,
) {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const authorization = request.headers.get("Authorization") ?? "";
    asked.push(authorization);
    const challenge = refuse(authorization, request);
    return challenge
      ? new Response("no", { status: 401, headers: { "WWW-Authenticate": challenge } })
      : new Response("picture");
  });
  const net = createSafeFetch({ kind: "camera", allowedNets: ["127.0.0.1/32"] });
  try {
    const url = `http://viewer:se%3Acret@127.0.0.1:${server.addr.port}/shot.jpg?channel=1`;
    await test({ asked, url, net });
  } finally {
    await server.shutdown();
  }
}

/** Digest as a camera checks it, of a nonce that it may change. */
function digestCamera(password = "se:cret") {
  let nonce = "first";
  const counts = new Set<string>();
  return {
    renew: (next: string) => nonce = next,
    refuse(authorization: string, { method }: Request): string {
      const word = (name: string) => new RegExp(`\\b${name}="?([^",]*)`).exec(authorization)?.[1];
      const ha1 = md5(`viewer:cam:${password}`);
      const ha2 = md5(`${method}:/shot.jpg?channel=1`);
      const wanted = md5(`${ha1}:${nonce}:${word("nc")}:${word("cnonce")}:auth:${ha2}`);
      const isFresh = !counts.has(`${word("nonce")} ${word("nc")}`);
      counts.add(`${word("nonce")} ${word("nc")}`);
      if (word("response") === wanted && isFresh) return "";
      return `Digest realm="cam", nonce="${nonce}", qop="auth", Basic realm="cam"`;
    },
  };
}

Deno.test("a camera that wants Digest is shown no password, and asked once a picture", () => {
  const camera = digestCamera();
  return withServer(camera.refuse, async ({ net, url, asked }) => {
    for (let i = 0; i < 5; i++) await net.fetch(url);
    assert.equal(asked.length, 6, "the first request finds out how");
    assert.equal(asked[0], "");
    assert.ok(asked.slice(1).every((authorization) => authorization.startsWith("Digest ")));
    camera.renew("second");
    await net.fetch(url);
    assert.equal(asked.length, 8, "a new nonce costs one more");
  });
});

Deno.test("a wrong password is shown once, and not again to the same question", () =>
  withServer(digestCamera("another").refuse, async ({ net, url, asked }) => {
    assert.equal((await net.fetch(url)).status, 401);
    assert.equal(asked.length, 2);
  }));

Deno.test("a camera that wants Basic gets it, in its words or without any", async () => {
  for (const challenge of ['Basic realm="cam"', "Basic"]) {
    const refuse = (authorization: string) =>
      authorization === `Basic ${btoa("viewer:se:cret")}` ? "" : challenge;
    await withServer(refuse, async ({ net, url, asked }) => {
      await net.fetch(url);
      await net.fetch(url);
      assert.equal(asked.length, 3);
    });
  }
});

Deno.test("a camera that wants nothing, or what is not understood, is shown nothing", async () => {
  await withServer(() => "", async ({ net, url, asked }) => {
    await net.fetch(url);
    assert.deepEqual(asked, [""]);
  });
  await withServer(() => "Negotiate", async ({ net, url, asked }) => {
    assert.equal((await net.fetch(url)).status, 401);
    assert.deepEqual(asked, [""]);
  });
});

import assert from "node:assert/strict";
import { createSafeFetch } from "../../../lib/net/safe_fetch.ts";
import { createDigestCamera } from "../../helpers/digest_camera.ts";

type Answer = { asked: string[]; url: string };

const redirect = (location: string) =>
  new Response(null, { status: 302, headers: { Location: location } });

/** A server on loopback that answers as `refuse` says; "" lets in. */
async function withServer(
  refuse: (request: Request) => string,
  test: (world: Answer & { net: ReturnType<typeof createSafeFetch> }) => Promise<void>,
) {
  const asked: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const authorization = request.headers.get("Authorization") ?? "";
    asked.push(authorization);
    const challenge = refuse(request);
    if (challenge) {
      return new Response("no", { status: 401, headers: { "WWW-Authenticate": challenge } });
    }
    const [, word, port] = new URL(request.url).pathname.split("/");
    if (word === "moved") return redirect("/shot.jpg");
    return word === "away" ? redirect(`http://127.0.0.1:${port}/`) : new Response("picture");
  });
  const net = createSafeFetch({ kind: "camera", allowedNets: ["127.0.0.1/32"] });
  try {
    const url = `http://viewer:se%3Acret@127.0.0.1:${server.addr.port}/shot.jpg?channel=1`;
    await test({ asked, url, net });
  } finally {
    await server.shutdown();
  }
}

Deno.test("a camera that wants Digest is shown no password, and asked once a picture", () => {
  const camera = createDigestCamera();
  return withServer(camera.refuse, async ({ net, url, asked }) => {
    for (let i = 0; i < 5; i++) await net.fetch(url);
    assert.equal(asked.length, 6, "the first request finds out how");
    assert.equal(asked[0], "");
    assert.ok(asked.slice(1).every((authorization) => authorization.startsWith("Digest ")));
    camera.forget();
    await net.fetch(url);
    assert.equal(asked.length, 8, "a new nonce costs one more");
  });
});

Deno.test("all cameras of a recorder are let in, though it forgets its nonces meanwhile", () => {
  const camera = createDigestCamera();
  return withServer(camera.refuse, async ({ net, url }) => {
    // Each camera's own address, asked for by two at a time.
    const urls = Array.from({ length: 16 }, (_, at) => url.replace(/\d+$/, String(at % 8)));
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(urls.map((each) => net.fetch(each)));
      assert.ok(answers.every(({ status }) => status === 200));
      camera.forget();
    }
    assert.deepEqual(camera.told, []);
  });
});

Deno.test("a nonce that is called stale is not a wrong password", () => {
  let asks = 0;
  const refuse = () => ++asks < 3 ? `Digest realm="cam", nonce="${asks}", stale=TRUE` : "";
  return withServer(refuse, async ({ net, url, asked }) => {
    assert.equal((await net.fetch(url)).status, 200);
    assert.equal(asked.length, 3);
  });
});

Deno.test("a camera that wants an unknown Digest or Basic is told nothing", () => {
  const challenge = 'Digest realm="cam", nonce="1", algorithm=SHA-512-256, Basic realm="cam"';
  return withServer(() => challenge, async ({ net, url, asked }) => {
    assert.equal((await net.fetch(url)).status, 401);
    assert.deepEqual(asked, [""]);
  });
});

Deno.test("a redirect keeps user and password within the server, and drops them on the way out", () => {
  const stranger: string[] = [];
  const other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ headers }) => {
    stranger.push(headers.get("Authorization") ?? "");
    return new Response("no", { status: 401, headers: { "WWW-Authenticate": "Basic" } });
  });
  const refuse = ({ headers }: Request) => headers.has("Authorization") ? "" : "Basic";
  return withServer(refuse, async ({ net, url, asked }) => {
    assert.equal((await net.fetch(url.replace("shot.jpg", "moved"))).status, 200);
    assert.ok(asked.at(-1)?.startsWith("Basic "));
    const away = url.replace("shot.jpg", `away/${other.addr.port}`);
    assert.equal((await net.fetch(away)).status, 401);
    assert.deepEqual(stranger, [""]);
  }).finally(() => other.shutdown());
});

Deno.test("a wrong password is shown once, and not again to the same question", () =>
  withServer(createDigestCamera("another").refuse, async ({ net, url, asked }) => {
    assert.equal((await net.fetch(url)).status, 401);
    assert.equal(asked.length, 2);
  }));

Deno.test("a camera that wants Basic gets it, in its words or without any", async () => {
  for (const challenge of ['Basic realm="cam"', "Basic"]) {
    const refuse = ({ headers }: Request) =>
      headers.get("Authorization") === `Basic ${btoa("viewer:se:cret")}` ? "" : challenge;
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

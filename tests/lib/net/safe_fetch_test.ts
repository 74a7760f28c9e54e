import assert from "node:assert/strict";
import { Problem } from "../../../lib/errors.ts";
import { createSafeFetch, type SafeFetchOptions } from "../../../lib/net/safe_fetch.ts";
import { createManualClock } from "../../helpers/clock.ts";
import { startHostileSite } from "./hostile_site.ts";

/** Where the site lives: allowed. The canary lives at 127.0.0.1: not allowed, and must stay unhit. */
const SITE = "127.0.0.2";
const ONLY_SITE = ["127.0.0.2/32"];

type World = {
  site: Awaited<ReturnType<typeof startHostileSite>>;
  canary: Awaited<ReturnType<typeof startHostileSite>>;
  net: ReturnType<typeof createSafeFetch>;
  clock: ReturnType<typeof createManualClock>;
};

function netTest(
  name: string,
  test: (world: World) => Promise<void>,
  options: Partial<SafeFetchOptions> = {},
): void {
  Deno.test({
    name,
    // Only Linux has all of 127.0.0.0/8 on loopback.
    ignore: Deno.build.os !== "linux",
    sanitizeOps: true,
    sanitizeResources: true,
    async fn() {
      const clock = createManualClock();
      await using site = await startHostileSite(SITE);
      await using canary = await startHostileSite("127.0.0.1");
      const net = createSafeFetch({ kind: "web", allowedNets: ONLY_SITE, clock, ...options });
      await test({ site, canary, net, clock });
      assert.deepEqual(canary.hits, [], "nobody reaches the canary");
      await turn();
    },
  });
}

/** All that a caller could see of a failure. */
async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { cause: _, ...extras } = error.extras;
    return { code: error.code, status: error.status, detail: error.detail, extras };
  }
  return "no failure";
}

const THE_PROBLEM = {
  code: "invalid_content",
  status: 422,
  detail:
    "Cannot read the address: it is not allowed, does not answer, or is too slow or too large",
  extras: {},
};

/** What is ready to run does so. */
const turn = () => new Promise((resolve) => setImmediate(() => resolve("pending")));
const text = (body: Uint8Array) => new TextDecoder().decode(body);
const html = (type: string) => type === "text/html";

netTest("fetch() gives address, status, headers and body", async ({ site, net }) => {
  const answer = await net.fetch(site.url("/page?a=1#b"), { accept: html });
  assert.equal(answer.url, site.url("/page?a=1"));
  assert.equal(answer.status, 200);
  assert.equal(answer.contentType, "text/html; charset=utf-8");
  assert.equal(answer.headers.get("content-length"), "10");
  assert.equal(text(answer.body), "<p>Bonjour");
  assert.equal(answer.body.constructor, Uint8Array);
  assert.equal((await net.fetch(site.url("/missing"))).status, 404);
});

netTest("fetch() sends method, headers and body, and keeps no cookie", async ({ site, net }) => {
  const answer = await net.fetch(site.url("/echo"), {
    method: "POST",
    headers: { "webhook-id": "1" },
    body: "hello",
  });
  const { method, headers, body } = JSON.parse(text(answer.body));
  assert.deepEqual({ method, body, id: headers["webhook-id"] }, {
    method: "POST",
    body: "hello",
    id: "1",
  });
  assert.equal(headers.host, `${SITE}:${site.port}`);
  assert.equal(answer.headers.get("set-cookie"), null);
  const again = await net.fetch(site.url("/echo"));
  assert.equal(JSON.parse(text(again.body)).headers.cookie, undefined);
});

netTest("fetch() inflates what it offers to read", async ({ site, net }) => {
  for (const path of ["/gzip", "/x-gzip", "/br", "/deflate", "/deflate-raw"]) {
    assert.equal(text((await net.fetch(site.url(path))).body), "<p>Bonjour", path);
  }
});

netTest("every failure is the same problem", async ({ site, canary, net }) => {
  const unused = await startHostileSite(SITE);
  await unused[Symbol.asyncDispose]();
  const paths = `/pdf /missing /gzip-bomb /br-bomb /deflate-bomb /double-gzip /unknown-encoding
    /not-gzip /cut-gzip /large /endless /reset /huge-header /many-headers /huge-length /short-body
    /cut-chunk /smuggled /garbage /loop /redirect /redirect?to=http:// /redirect?to=file:///etc/passwd
    /redirect?to=gopher://example.com /redirect?to=http://user:pass@8.8.8.8/
    /redirect?to=http://localhost/ /redirect?to=http://8.8.8.8:22/`;
  const urls = [
    ...paths.split(/\s+/).map(site.url),
    ...[301, 302, 303, 307, 308].map((code) =>
      site.url(`/redirect?code=${code}&to=${encodeURIComponent(canary.url("/"))}`)
    ),
    site.url(`/redirect?to=//127.0.0.1:${canary.port}/`),
    canary.url("/"),
    `http://localhost:${canary.port}/`,
    `http://[::ffff:127.0.0.1]:${canary.port}/`,
    `http://user:pass@${SITE}:${site.port}/`,
    unused.url("/"),
    site.url("/page").replace("http:", "https:"),
    "rtsp://8.8.8.8/",
    "nonsense",
  ];
  for (const url of urls) {
    assert.deepEqual(await failure(net.fetch(url, { accept: html })), THE_PROBLEM, url);
  }
});

for (const path of ["/hang", "/drip", "/half-header"]) {
  netTest(`fetch() gives ${path} up after 10 s, and its connection`, async (world) => {
    const { site, net, clock } = world;
    const failed = failure(net.fetch(site.url(path)));
    await site.heard;
    await clock.advance(9_999);
    assert.equal(await Promise.race([failed, turn()]), "pending");
    await clock.advance(1);
    assert.deepEqual(await failed, THE_PROBLEM);
    await site.left;
  });
}

netTest("the deadline counts the look-up", async ({ net, clock }) => {
  const failed = failure(net.fetch("http://example.com/", { timeoutMs: 3_000 }));
  await clock.advance(3_000);
  assert.deepEqual(await failed, THE_PROBLEM);
}, { resolve: () => new Promise(() => {}) });

netTest("an abort of the caller is thrown as it is", async ({ site, net }) => {
  const controller = new AbortController();
  const fetched = net.fetch(site.url("/hang"), { signal: controller.signal });
  await site.heard;
  controller.abort(new Error("enough"));
  await assert.rejects(fetched, /^Error: enough$/);
  await assert.rejects(net.fetch(site.url("/page"), { signal: controller.signal }), /enough/);
});

netTest("redirects are followed five times, or as often as told", async ({ site, net }) => {
  assert.equal((await net.fetch(site.url("/loop?left=5"))).url, site.url("/loop?left=0"));
  assert.deepEqual(await failure(net.fetch(site.url("/loop?left=6"))), THE_PROBLEM);
  assert.deepEqual(
    await failure(net.fetch(site.url("/loop?left=2"), { maxRedirects: 1 })),
    THE_PROBLEM,
  );
  const answer = await net.fetch(site.url("/loop?left=2"), { maxRedirects: 0 });
  assert.deepEqual([answer.status, answer.headers.get("location")], [302, "/loop?left=1"]);
});

netTest(
  "secrets do not follow a redirect, a body only after 307 and 308",
  async ({ site, net }) => {
    const headers = {
      Authorization: "Bearer x",
      cookie: "a=1",
      "x-secret": "1",
      accept: "text/html",
    };
    for (const code of [301, 302, 303, 307, 308]) {
      const url = site.url(`/redirect?code=${code}&to=/echo`);
      const { body } = await net.fetch(url, { method: "POST", headers, body: "hello" });
      const echo = JSON.parse(text(body));
      const repeated = code > 303;
      assert.equal(echo.method, repeated ? "POST" : "GET");
      assert.equal(echo.body, repeated ? "hello" : "");
      assert.equal(echo.headers.accept, "text/html");
      for (const name of ["authorization", "cookie", "x-secret"]) {
        assert.equal(echo.headers[name], undefined, `${code} ${name}`);
      }
    }
  },
);

Deno.test({
  name: "a name is looked up once a hop, and the connection goes where that look-up led",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using site = await startHostileSite(SITE);
    await using canary = await startHostileSite("127.0.0.1");
    const answers = [SITE, SITE, "127.0.0.1"];
    const net = createSafeFetch({
      kind: "web",
      allowedNets: ONLY_SITE,
      resolve: () => Promise.resolve([answers.shift() ?? "127.0.0.1"]),
    });
    const name = `rebind.example.com:${site.port}`;
    const { body, url } = await net.fetch(`http://${name}/redirect?to=/echo`);
    assert.equal(url, `http://${name}/echo`);
    assert.equal(JSON.parse(text(body)).headers.host, name);
    assert.deepEqual(answers, ["127.0.0.1"]);
    const rebound = `http://rebind.example.com:${canary.port}/`;
    assert.deepEqual(await failure(net.fetch(rebound)), THE_PROBLEM);
    assert.deepEqual(canary.hits, []);
  },
});

netTest("a name with several addresses is tried at each", async ({ site, net }) => {
  const answer = await net.fetch(`http://two.example.com:${site.port}/page`);
  assert.equal(answer.status, 200);
}, {
  allowedNets: ["127.0.0.2/31"],
  resolve: () => Promise.resolve(["127.0.0.3", SITE]),
});

netTest("a camera's user is not sent unasked, nor after a redirect", async ({ site, net }) => {
  const address = `http://us%40er:pass@${SITE}:${site.port}`;
  const answer = await net.fetch(`${address}/echo`);
  assert.equal(answer.url, site.url("/echo"));
  const { authorization } = JSON.parse(text(answer.body)).headers;
  assert.equal(authorization, undefined);
  const moved = await net.fetch(`${address}/redirect?to=/echo`);
  assert.equal(JSON.parse(text(moved.body)).headers.authorization, undefined);
  assert.deepEqual(
    await failure(net.fetch(site.url(`/redirect?to=${encodeURIComponent(address)}`))),
    THE_PROBLEM,
  );
}, { kind: "camera" });

netTest("open() streams past any deadline until the reader has enough", async (world) => {
  const { site, net, clock } = world;
  const { body, status } = await net.open(site.url("/endless"));
  assert.equal(status, 200);
  await clock.advance(60_000);
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > 8_000_000) break;
  }
  await site.left;
  assert.deepEqual(await failure(net.open(site.url("/gzip"))), THE_PROBLEM);
});

netTest("open() ends with the signal, and its headers have a deadline", async (world) => {
  const { site, net, clock } = world;
  const failed = failure(net.open(site.url("/hang")));
  await site.heard;
  await clock.advance(10_000);
  assert.deepEqual(await failed, THE_PROBLEM);
  const controller = new AbortController();
  const { body } = await net.open(site.url("/drip"), { signal: controller.signal });
  const reader = body.getReader();
  assert.equal(text((await reader.read()).value!), "a");
  controller.abort();
  await assert.rejects(reader.read());
});

netTest("check() refuses what may not be called, without calling what may", async (world) => {
  const { site, canary, net } = world;
  assert.deepEqual((await net.check(site.url("/page"))).addresses, [SITE]);
  for (const url of [canary.url("/"), "http://inside.example.com/", "rtsp://8.8.8.8/", "x"]) {
    assert.deepEqual(await failure(net.check(url)), THE_PROBLEM, url);
    assert.deepEqual(await failure(net.locate(url)), THE_PROBLEM, url);
  }
  assert.deepEqual(site.hits, []);
}, { resolve: () => Promise.resolve(["10.0.0.1"]) });

netTest("check() trusts a public name that cannot be looked up now", async ({ net }) => {
  const { url, addresses } = await net.check("http://example.com/hook");
  assert.deepEqual({ url: url.href, addresses }, { url: "http://example.com/hook", addresses: [] });
  for (const odd of ["http://router/", "http://a.svc/", "http://example.com:6379/"]) {
    assert.deepEqual(await failure(net.check(odd)), THE_PROBLEM, odd);
  }
  assert.deepEqual(await failure(net.fetch("http://example.com/hook")), THE_PROBLEM);
}, { resolve: () => Promise.reject(new Error("no such name")) });

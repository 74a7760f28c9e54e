import assert from "node:assert/strict";
import { makeKey } from "../../../lib/auth/key_format.ts";
import { MASTER_KEY, startApp } from "../../helpers/app.ts";

const from = (hostname: string) => ({
  remoteAddr: { transport: "tcp" as const, hostname, port: 5000 },
});

Deno.test("every answer to a known caller tells where it stands, refusals too", async () => {
  await using app = await startApp({ env: { RATE_LIMIT_PER_MINUTE: "3" } });
  const first = await app.request("/images");
  assert.equal(first.headers.get("RateLimit-Policy"), '"default";q=3;w=60');
  assert.match(first.headers.get("RateLimit") ?? "", /^"default";r=2;t=\d+$/);
  const missing = await app.request(`/images/${crypto.randomUUID()}`);
  assert.match(missing.headers.get("RateLimit") ?? "", /^"default";r=1;t=\d+$/);
  await app.request("/images");
  const refused = await app.request("/images");
  assert.equal(refused.status, 429);
  assert.match(refused.headers.get("RateLimit") ?? "", /^"default";r=0;t=\d+$/);
  const wait = Number(refused.headers.get("Retry-After"));
  assert.ok(wait >= 1 && wait <= 60);
  assert.equal((await app.app.request("/health")).status, 200, "open routes are not limited");
  assert.equal((await app.request("/health")).headers.get("RateLimit"), null);
  await app.clock.advance(wait * 1000);
  assert.equal((await app.request("/images")).status, 200);
});

Deno.test("of 200 requests at once exactly the limit passes", async () => {
  await using app = await startApp({ env: { RATE_LIMIT_PER_MINUTE: "100" } });
  const answers = await Promise.all(Array.from({ length: 200 }, () => app.request("/images")));
  assert.equal(answers.filter(({ status }) => status === 200).length, 100);
  assert.equal(answers.filter(({ status }) => status === 429).length, 100);
});

Deno.test("a client's own limit counts all its keys together, others are not touched", async () => {
  await using app = await startApp({ env: { RATE_LIMIT_PER_MINUTE: "100" } });
  const other = await app.asTenant({ rate_limit: 3 });
  const made = await other.request("/auth/keys", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "second", scopes: ["images:read"] }),
  });
  const { api_key } = await made.json();
  assert.equal((await app.request("/images", {}, api_key)).status, 200);
  assert.equal((await other.request("/images")).status, 200);
  assert.equal((await app.request("/images", {}, api_key)).status, 429);
  assert.equal((await app.request("/images")).status, 200);
});

Deno.test("the limit comes before any work: a refused upload leaves nothing", async () => {
  await using app = await startApp({ env: { RATE_LIMIT_PER_MINUTE: "1" } });
  await app.request("/images");
  assert.equal((await app.upload(new Uint8Array(10))).status, 429);
  for await (const { key } of app.services.storage.list("")) assert.fail(key);
});

Deno.test("wrong keys are limited by address, whatever headers claim", async () => {
  await using app = await startApp({ env: { RATE_LIMIT_PER_MINUTE: "5" } });
  const guess = (key: string, hostname: string, spoofed = "") =>
    app.app.request("/images", {
      headers: {
        "X-API-Key": key,
        "X-Forwarded-For": spoofed,
        "X-Real-IP": spoofed,
        "Forwarded": `for=${spoofed}`,
      },
    }, from(hostname));
  const secrets = [makeKey(), "x", "imago_short", `${app.key}x`, makeKey()];
  for (const [i, key] of secrets.entries()) {
    assert.equal((await guess(key, "203.0.113.7", `1.1.1.${i}`)).status, 401, key);
  }
  const refused = await guess(makeKey(), "203.0.113.7", "1.1.1.99");
  assert.deepEqual([refused.status, refused.headers.has("Retry-After")], [429, true]);
  assert.equal((await guess(makeKey(), "203.0.113.8")).status, 401, "another address");
  assert.equal((await guess(MASTER_KEY, "203.0.113.7")).status, 429, "no guess is looked at");
});

Deno.test("a key that was seen before passes where its neighbours guess", async () => {
  await using app = await startApp({ env: { RATE_LIMIT_PER_MINUTE: "5" } });
  const ask = (key: string) =>
    app.app.request("/images", { headers: { "X-API-Key": key } }, from("203.0.113.7"));
  assert.equal((await ask(app.key)).status, 200);
  for (let i = 0; i < 6; i++) await ask("wrong");
  assert.equal((await ask("wrong")).status, 429);
  assert.equal((await ask(app.key)).status, 200);
});

Deno.test("strangers of one IPv6 /64 count as one, and trusted proxies tell who asks", async () => {
  await using app = await startApp({
    env: { RATE_LIMIT_PER_MINUTE: "2", TRUSTED_PROXIES: "10.0.0.0/8" },
  });
  const ask = async (hostname: string, forwarded = "") => {
    const headers = { "X-Forwarded-For": forwarded };
    return (await app.app.request("/images", { headers }, from(hostname))).status;
  };
  assert.deepEqual(
    [await ask("2001:db8::1"), await ask("2001:db8::2"), await ask("2001:db8::3")],
    [401, 401, 429],
  );
  assert.equal(await ask("2001:db8:0:1::1"), 401);
  for (let i = 0; i < 4; i++) assert.equal(await ask("10.0.0.1", `9.9.9.9, 198.51.100.${i}`), 401);
  for (let i = 0; i < 2; i++) await ask("10.0.0.1", `${i}.1.1.1, 192.0.2.1`);
  assert.equal(await ask("10.0.0.1", "8.8.8.8, 192.0.2.1"), 429);
});

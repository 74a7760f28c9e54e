import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { createTokens } from "../../../lib/auth/tokens.ts";
import { JWT_SECRET, startApp } from "../../helpers/app.ts";
import { createManualClock } from "../../helpers/clock.ts";
import { as, makeUser, sending, signIn } from "../../helpers/users.ts";

const encode = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const hmac = (data: string, secret: string | Uint8Array = JWT_SECRET, hash = "sha256") =>
  createHmac(hash, secret).update(data).digest("base64url");

/** A token made by hand: signed with the right secret unless told otherwise. */
function forge(header: unknown, payload: unknown, signature?: (data: string) => string) {
  const data = `${encode(header)}.${encode(payload)}`;
  return `${data}.${(signature ?? hmac)(data)}`;
}

const parse = (token: string) =>
  token.split(".").slice(0, 2).map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const publicPem = rsa.publicKey.export({ type: "spki", format: "pem" });
const rs256 = (data: string) =>
  sign("sha256", Buffer.from(data), rsa.privateKey).toString("base64url");

type Claims = Record<string, unknown>;
type Forgery = (header: Claims, payload: Claims, token: string, refresh: string) => string;

const forgeries: Record<string, Forgery> = {
  "alg none": (h, p) => forge({ ...h, alg: "none" }, p, () => ""),
  "alg None": (h, p) => forge({ ...h, alg: "None" }, p, () => ""),
  "alg nOnE with a signature": (h, p) => forge({ ...h, alg: "nOnE" }, p),
  "no alg": ({ alg: _, ...h }, p) => forge(h, p),
  "an empty signature": (h, p) => forge(h, p, () => ""),
  "HS256 with a public key as the secret": (h, p) =>
    forge(h, p, (data) => hmac(data, String(publicPem))),
  "RS256": (h, p) => forge({ ...h, alg: "RS256" }, p, rs256),
  "HS256 signed by RS256": (h, p) => forge(h, p, rs256),
  "HS512": (h, p) => forge({ ...h, alg: "HS512" }, p, (data) => hmac(data, JWT_SECRET, "sha512")),
  "another secret": (h, p) => forge(h, p, (data) => hmac(data, "x".repeat(40))),
  "an empty secret": (h, p) => forge(h, p, (data) => hmac(data, "")),
  "kid of a file": (h, p) => forge({ ...h, kid: "../../dev/null" }, p, (data) => hmac(data, "")),
  "kid, well signed": (h, p) => forge({ ...h, kid: "x' UNION SELECT 1" }, p),
  "kid of an address": (h, p) => forge({ ...h, kid: "http://127.0.0.1/k" }, p),
  "jku": (h, p) => forge({ ...h, jku: "http://127.0.0.1/jwks" }, p),
  "x5u": (h, p) => forge({ ...h, x5u: "http://127.0.0.1/x" }, p),
  "a key of its own": (h, p) =>
    forge({ ...h, jwk: { kty: "oct", k: encode("key") } }, p, (data) => hmac(data, "key")),
  "crit": (h, p) => forge({ ...h, crit: ["b64"], b64: false }, p),
  "typ JWT": (h, p) => forge({ ...h, typ: "JWT" }, p),
  "no typ": ({ typ: _, ...h }, p) => forge(h, p),
  "exp in the past": (h, p) => forge(h, { ...p, exp: Number(p.iat) - 1 }),
  "no exp": (h, { exp: _, ...p }) => forge(h, p),
  "exp as a string": (h, p) => forge(h, { ...p, exp: String(p.exp) }),
  "exp 1e400": (h, p) => forge(h, JSON.stringify(p).replace(/"exp":\d+/, '"exp":1e400')),
  "exp as a fraction": (h, p) => forge(h, { ...p, exp: Number(p.exp) + 0.5 }),
  "nbf in the future": (h, p) => forge(h, { ...p, nbf: Number(p.iat) + 60 }),
  "iat in the future": (h, p) => forge(h, { ...p, iat: Number(p.iat) + 60 }),
  "no iat": (h, { iat: _, ...p }) => forge(h, p),
  "another issuer": (h, p) => forge(h, { ...p, iss: "https://evil.example" }),
  "no issuer": (h, { iss: _, ...p }) => forge(h, p),
  "another audience": (h, p) => forge(h, { ...p, aud: "imago:refresh" }),
  "no audience": (h, { aud: _, ...p }) => forge(h, p),
  "another user": (h, p) => forge(h, { ...p, sub: crypto.randomUUID() }),
  "another tenant": (h, p) => forge(h, { ...p, tenant: crypto.randomUUID() }),
  "another session": (h, p) => forge(h, { ...p, sid: crypto.randomUUID() }),
  "a user that is no id": (h, p) => forge(h, { ...p, sub: "admin" }),
  "a payload that is no object": (h) => forge(h, "[]"),
  "a payload that is no JSON": (h) => forge(h, "{"),
  "a changed payload": (h, p, token) =>
    `${encode(h)}.${encode({ ...p, scopes: ["admin"] })}.${token.split(".")[2]}`,
  "a changed signature": (_h, _p, token) =>
    token.slice(0, -2) + (token.endsWith("AA") ? "BB" : "AA"),
  "two dots missing": (_h, _p, token) => token.replaceAll(".", ""),
  "a fourth part": (_h, _p, token) => `${token}.x`,
  "a megabyte": (_h, _p, token) => token + "x".repeat(1_000_000),
  "a refresh token": (_h, _p, _token, refresh) => refresh,
};

Deno.test("an access token is refused with 401 where anything is wrong with it", async () => {
  await using app = await startApp();
  await makeUser(app);
  const tokens = await signIn(app);
  const [header, payload] = parse(tokens.access_token);
  assert.equal((await as(app, tokens)("/images")).status, 200);
  const again = { ...tokens, access_token: forge(header, payload) };
  assert.equal((await as(app, again)("/images")).status, 200, "these tests can sign well");
  for (const [name, forgery] of Object.entries(forgeries)) {
    const access_token = forgery(header, payload, tokens.access_token, tokens.refresh_token);
    assert.equal((await as(app, { ...tokens, access_token })("/images")).status, 401, name);
  }
  for (
    const authorization of [
      `Basic ${tokens.access_token}`,
      `Bearer ${tokens.access_token}, Bearer ${tokens.access_token}`,
      tokens.access_token,
    ]
  ) {
    const response = await app.app.request("/images", { headers: { authorization } });
    assert.equal(response.status, 401, authorization.slice(0, 10));
  }
});

Deno.test("a refresh token is refused with 401 where anything is wrong with it", async () => {
  await using app = await startApp();
  await makeUser(app);
  const tokens = await signIn(app);
  const [header, payload] = parse(tokens.refresh_token);
  const send = async (refresh_token: string) =>
    (await app.app.request("/api/auth/refresh", sending("POST", { refresh_token }))).status;
  const swapped = {
    ...forgeries,
    "another audience": ((h, p) => forge(h, { ...p, aud: "x" })) as Forgery,
  };
  for (const [name, forgery] of Object.entries(swapped)) {
    const forged = forgery(header, payload, tokens.refresh_token, tokens.access_token);
    assert.equal(await send(forged), 401, name);
  }
  assert.equal(await send(tokens.refresh_token), 200, "and none of them ended the session");
});

Deno.test("the first of JWT_SECRET_KEY signs, each is accepted", async () => {
  const clock = createManualClock();
  const deps = { clock, newId: () => crypto.randomUUID() };
  const holder = {
    tenant: crypto.randomUUID(),
    user: crypto.randomUUID(),
    session: crypto.randomUUID(),
  };
  const [old, fresh] = ["o".repeat(32), "n".repeat(32)];
  const before = createTokens({ ...deps, secrets: [old] });
  const during = createTokens({ ...deps, secrets: [fresh, old] });
  const after = createTokens({ ...deps, secrets: [fresh] });
  const [issuedBefore, issuedDuring] = [
    await before.sign("access", holder, 60),
    await during.sign("access", holder, 60),
  ];
  assert.equal((await during.verify("access", issuedBefore))?.sub, holder.user);
  assert.equal((await after.verify("access", issuedDuring))?.sub, holder.user);
  assert.equal(await after.verify("access", issuedBefore), null);
});

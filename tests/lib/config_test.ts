import assert from "node:assert/strict";
import { ConfigError, parseConfig } from "../../lib/config.ts";

const LONG = "x".repeat(32);

function mistakesOf(env: Record<string, string>): string {
  try {
    parseConfig(env);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  return "";
}

Deno.test("parseConfig() refuses secrets of fewer than 32 bytes, all mistakes at once", () => {
  const said = mistakesOf({
    ADMIN_API_KEY: "short",
    SIGNED_URL_SECRET: `${LONG},short`,
    PORT: "x",
  });
  for (const name of ["ADMIN_API_KEY", "SIGNED_URL_SECRET", "PORT"]) {
    assert.match(said, RegExp(name));
  }
});

Deno.test("parseConfig() takes several secrets for links, the signing one first", () => {
  const { SIGNED_URL_SECRET } = parseConfig({ SIGNED_URL_SECRET: `${LONG}new, ${LONG}old` });
  assert.deepEqual(SIGNED_URL_SECRET, [`${LONG}new`, `${LONG}old`]);
});

Deno.test("parseConfig() says which secrets a remote KV needs", () => {
  const said = mistakesOf({ DATABASE_URL: "https://kv.example" });
  assert.match(said, /ADMIN_API_KEY: a remote KV/);
  assert.match(said, /SIGNED_URL_SECRET: a remote KV/);
  const given = {
    DATABASE_URL: "https://kv.example",
    ADMIN_API_KEY: LONG,
    JWT_SECRET_KEY: LONG,
    SIGNED_URL_SECRET: LONG,
    ENCRYPTION_KEY: LONG,
  };
  assert.equal(mistakesOf(given), "");
});

Deno.test("parseConfig() takes SECRET_KEY for JWT_SECRET_KEY where that is not given", () => {
  const secretOf = (env: Record<string, string>) => parseConfig(env).JWT_SECRET_KEY;
  assert.deepEqual(secretOf({ SECRET_KEY: LONG }), [LONG]);
  assert.deepEqual(secretOf({ SECRET_KEY: LONG, JWT_SECRET_KEY: `${LONG}2` }), [`${LONG}2`]);
  assert.match(mistakesOf({ SECRET_KEY: "short" }), /JWT_SECRET_KEY: each must have 32 bytes/);
});

import assert from "node:assert/strict";
import { isWellFormed, makeKey } from "../../../lib/auth/key_format.ts";

Deno.test("makeKey() gives keys of the documented shape, all different", () => {
  const keys = Array.from({ length: 50 }, makeKey);
  for (const key of keys) assert.match(key, /^imago_[0-9A-Za-z]{46}$/);
  assert.equal(new Set(keys).size, keys.length);
});

Deno.test("isWellFormed() notices any single changed character", () => {
  const key = makeKey();
  assert.ok(isWellFormed(key));
  for (let i = 0; i < key.length; i++) {
    const other = key[i] === "a" ? "b" : "a";
    assert.ok(!isWellFormed(key.slice(0, i) + other + key.slice(i + 1)), `position ${i}`);
  }
});

import assert from "node:assert/strict";
import { hashSync } from "bcryptjs";
import { createPasswords, isPasswordHash } from "../../../lib/auth/passwords.ts";

const cheap = createPasswords({ cost: 4 });

Deno.test("hash() salts, and matches() knows the password however it was typed", async () => {
  const [one, two] = [await cheap.hash("pâssword"), await cheap.hash("pâssword")];
  assert.notEqual(one, two);
  assert.ok(isPasswordHash(one) && !one.includes("pâssword"));
  assert.equal(await cheap.matches("pa\u0302ssword", one), true);
  assert.equal(await cheap.matches("password", one), false);
  assert.equal(await cheap.matches("pâssword", null), false);
});

Deno.test("matches() knows bcrypt, and isOutdated() tells that it should go", async () => {
  const bcrypt = hashSync("old password", 4);
  assert.ok(isPasswordHash(bcrypt));
  assert.equal(await cheap.matches("old password", bcrypt), true);
  assert.equal(await cheap.matches("other", bcrypt), false);
  const dear = createPasswords({ cost: 5 });
  const outdated = [bcrypt, await cheap.hash("x"), await dear.hash("x")].map(dear.isOutdated);
  assert.deepEqual(outdated, [true, true, false]);
});

Deno.test("isPasswordHash() refuses what nobody could check", () => {
  const costly = hashSync("x", 4).replace("$04$", "$31$");
  for (const hash of ["", "plain", "md5$abc", costly, "$scrypt$ln=17$x"]) {
    assert.equal(isPasswordHash(hash), false, hash);
  }
});

Deno.test("matches() refuses more than 50 in waiting instead of piling them up", async () => {
  const hash = await cheap.hash("x");
  const all = await Promise.allSettled(Array.from({ length: 60 }, () => cheap.matches("x", hash)));
  assert.equal(all.filter(({ status }) => status === "fulfilled").length, 52);
});

Deno.test("hash() costs N = 2^17 by standard, as OWASP advises", async () => {
  assert.match(await createPasswords().hash("x"), /^\$scrypt\$ln=17,r=8,p=1\$/);
});

import assert from "node:assert/strict";
import { createPseudonyms } from "../../lib/pseudonyms.ts";

Deno.test("createPseudonyms() names the same thing always the same, apart by kind and by secret", () => {
  const pseudonym = createPseudonyms("one secret");
  const name = pseudonym("address", "192.0.2.1");
  assert.match(name, /^address_[\w-]{12}$/);
  assert.equal(pseudonym("address", "192.0.2.1"), name);
  const others = [
    pseudonym("address", "192.0.2.2"),
    pseudonym("user", "192.0.2.1").replace("user", "address"),
    createPseudonyms("another secret")("address", "192.0.2.1"),
  ];
  assert.equal(new Set([name, ...others]).size, 4);
});

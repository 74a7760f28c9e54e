import assert from "node:assert/strict";
import { Problem } from "../../../lib/errors.ts";
import { createMemoryStorage } from "../../../lib/storage/memory.ts";
import { isProblem, pattern, testStorage } from "./conformance.ts";

testStorage("memory", () => Promise.resolve({ storage: createMemoryStorage(), close() {} }));

Deno.test("createMemoryStorage() fails where a test asks it to", async () => {
  const storage = createMemoryStorage({
    intercept(operation) {
      if (operation === "put") throw new Problem("storage_full", "Cannot store: full");
    },
  });
  await assert.rejects(storage.put("t/i/o", pattern(1)), isProblem("storage_full"));
  assert.equal(await storage.stat("t/i/o"), null);
});

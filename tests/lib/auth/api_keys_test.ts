import assert from "node:assert/strict";
import { startApp } from "../../helpers/app.ts";

Deno.test("issue() leaves no key in clear in the database", async () => {
  await using app = await startApp();
  for await (const { key, value } of app.services.db.list({ prefix: [] })) {
    const text = JSON.stringify([key, value], (_, v) => typeof v === "bigint" ? String(v) : v);
    assert.ok(!text.includes(app.key.slice(12, -4)), String(key[0]));
  }
});

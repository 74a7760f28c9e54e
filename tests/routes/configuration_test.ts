import assert from "node:assert/strict";
import { MASTER_KEY, startApp } from "../helpers/app.ts";

Deno.test("GET /auth/configuration shows what is in force, and no secret", async () => {
  const canary = "canary-of-more-than-32-bytes-in-every-secret";
  await using app = await startApp({
    env: {
      METRICS_TOKEN: canary,
      GEMINI_API_KEY: canary,
      S3_SECRET_KEY: canary,
      SIGNED_URL_SECRET: canary,
      S3_ENDPOINT_URL: `https://someone:${canary}@s3.example/`,
      MAX_UPLOAD_SIZE_MB: "7",
    },
  });
  const text = await (await app.request("/auth/configuration", {}, MASTER_KEY)).text();
  assert.ok(!text.includes(canary));
  const { items } = JSON.parse(text);
  const one = (name: string) => items.find((item: { name: string }) => item.name === name);
  assert.deepEqual(
    [one("METRICS_TOKEN").set, one("METRICS_TOKEN").value, one("METRICS_TOKEN").secret],
    [true, null, true],
  );
  assert.equal(one("MAX_UPLOAD_SIZE_MB").value, "7");
  assert.equal(one("S3_ENDPOINT_URL").value, "https://…@s3.example/");
  assert.deepEqual([one("PUBLIC_URL").set, one("PUBLIC_URL").value], [false, null]);
  assert.equal((await app.request("/auth/configuration")).status, 403);
});

import assert from "node:assert/strict";
import { Problem } from "../../lib/errors.ts";
import { createTraffic } from "../../lib/traffic.ts";

Deno.test("end() waits for what is under way and refuses what comes", async () => {
  const traffic = createTraffic();
  const { promise, resolve } = Promise.withResolvers<string>();
  const carried = traffic.carry(() => promise);
  const ended: string[] = [];
  const end = traffic.end().then(() => ended.push("end"));
  await assert.rejects(
    traffic.carry(() => Promise.resolve()),
    (error) => error instanceof Problem && error.code === "unavailable",
  );
  assert.deepEqual(ended, []);
  resolve("answer");
  assert.equal(await carried, "answer");
  await end;
});

Deno.test("end() resolves at once when nothing is under way, failed requests included", async () => {
  const traffic = createTraffic();
  await assert.rejects(traffic.carry(() => Promise.reject(new Error("it broke"))), /it broke/);
  await traffic.end();
});

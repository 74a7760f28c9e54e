import assert from "node:assert/strict";
import { Problem } from "../../lib/errors.ts";
import { defineStep } from "../../pipeline/step.ts";
import { startApp } from "../helpers/app.ts";
import { png } from "../helpers/pictures.ts";

/** A step that fails until it is mended. */
function breakable() {
  const state = { broken: true };
  const step = defineStep({
    name: "breakable",
    timeoutMs: 1_000,
    run: () =>
      state.broken
        ? Promise.reject(new Problem("upstream_failed", "It is broken", { upstreamStatus: 500 }))
        : Promise.resolve({}),
  });
  return { state, step };
}

Deno.test("GET /jobs lists by state, and a job shows its attempts and errors", async () => {
  const { step } = breakable();
  await using app = await startApp({ steps: [step] });
  await app.upload(png());
  const listed = async (state: string) =>
    (await (await app.request(`/jobs?state=${state}`)).json()).items;
  assert.equal((await listed("available")).length, 1);
  await app.drain();
  assert.equal((await listed("available")).length, 0);
  const [job] = await listed("discarded");
  const shown = await (await app.request(`/jobs/${job.id}`)).json();
  assert.deepEqual(shown, job);
  assert.equal(shown.steps.breakable.errors.length, 3);
  assert.equal(shown.fence, undefined, "the inside stays inside");
  assert.equal((await app.request("/jobs?state=nonsense")).status, 422);
});

Deno.test("a dead letter can be replayed once its cause is mended", async () => {
  const { state, step } = breakable();
  await using app = await startApp({ steps: [step] });
  const { id } = await (await app.upload(png())).json();
  await app.drain();
  const [letter] = (await (await app.request("/dead-letters")).json()).items;
  assert.deepEqual([letter.image_id, letter.step, letter.errors.length], [id, "breakable", 3]);
  state.broken = false;
  const replay = () => app.request(`/dead-letters/${letter.id}/replay`, { method: "POST" });
  assert.equal((await replay()).status, 202);
  assert.equal((await replay()).status, 404, "it is replayed once");
  await app.drain();
  assert.equal((await (await app.request(`/images/${id}`)).json()).status, "done");
  assert.deepEqual((await (await app.request("/dead-letters")).json()).items, []);
});

Deno.test("POST /dead-letters/replay replays all of the tenant, and of no other", async () => {
  const { state, step } = breakable();
  await using app = await startApp({ steps: [step] });
  const other = await app.asTenant();
  for (let i = 0; i < 3; i++) await app.upload(png(8, 8, i));
  await app.upload(png(), "theirs.png", other.key);
  await app.drain();
  state.broken = false;
  const response = await app.request("/dead-letters/replay", { method: "POST" });
  assert.deepEqual(await response.json(), { replayed: 3, left: 0 });
  await app.drain();
  assert.equal((await (await other.request("/dead-letters")).json()).items.length, 1);
});

Deno.test("DELETE /dead-letters/{id} forgets the letter and leaves the image", async () => {
  const { step } = breakable();
  await using app = await startApp({ steps: [step] });
  const { id } = await (await app.upload(png())).json();
  await app.drain();
  const [letter] = (await (await app.request("/dead-letters")).json()).items;
  const path = `/dead-letters/${letter.id}`;
  assert.equal((await app.request(path, { method: "DELETE" })).status, 204);
  assert.equal((await app.request(path, { method: "DELETE" })).status, 404);
  assert.equal((await (await app.request(`/images/${id}`)).json()).status, "failed");
});

Deno.test("GET /jobs and /dead-letters show a failure that no service was asked for", async () => {
  const step = defineStep({
    name: "hopeless",
    timeoutMs: 1_000,
    run: () => Promise.reject(new Problem("invalid_content", "Cannot decode the picture")),
  });
  await using app = await startApp({ steps: [step] });
  await app.upload(png());
  await app.drain();
  const { items: [letter] } = await (await app.request("/dead-letters")).json();
  assert.deepEqual([letter.step, letter.errors[0].upstream_status], ["hopeless", null]);
  const { items: [job] } = await (await app.request("/jobs")).json();
  assert.equal(job.steps.hopeless.errors[0].upstream_status, null);
});

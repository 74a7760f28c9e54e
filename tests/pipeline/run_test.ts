import assert from "node:assert/strict";
import { Problem } from "../../lib/errors.ts";
import type { DeadLetter } from "../../lib/model/job.ts";
import type { ImageRow } from "../../lib/model/image.ts";
import { tables } from "../../lib/tables.ts";
import { defineStep, Discard, skip, Snooze, type Step } from "../../pipeline/step.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { until } from "../helpers/clock.ts";
import { png } from "../helpers/pictures.ts";

const ok = (name: string) => defineStep({ name, timeoutMs: 1000, run: () => Promise.resolve({}) });

/** A step whose tries do, one after the other, what the list says; the last entry for ever. */
function scripted(name: string, script: (() => Promise<never> | Promise<object>)[]) {
  const step = {
    ...ok(name),
    tries: 0,
    run: () => script[Math.min(step.tries++, script.length - 1)]!(),
  };
  return step as Step & { tries: number };
}

const fail = () => Promise.reject(new Problem("upstream_failed", "The model fell over"));
const succeed = () => Promise.resolve({});

async function uploadOne(app: TestApp): Promise<string> {
  const response = await app.upload(png());
  assert.equal(response.status, 202, await response.clone().text());
  return (await response.json()).id;
}

const imageOf = (app: TestApp, id: string): Promise<ImageRow> =>
  app.services.images.get(app.tenant.id, id);

async function deadLetters(app: TestApp): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  const entries = app.services.db.list<DeadLetter>({ prefix: tables.deadLetters.prefix() });
  for await (const { value } of entries) letters.push(value);
  return letters;
}

Deno.test("a step that fails twice and then succeeds ends done, with its history", async () => {
  const flaky = scripted("flaky", [fail, fail, succeed]);
  await using app = await startApp({ steps: [flaky, ok("steady")] });
  const id = await uploadOne(app);
  await app.drain();
  const image = await imageOf(app, id);
  assert.equal(image.status, "done");
  assert.equal(image.steps.flaky?.attempts, 3);
  assert.equal(image.steps.flaky?.errors.length, 2);
  assert.equal(flaky.tries, 3);
  assert.deepEqual(await deadLetters(app), []);
});

Deno.test("a step that always fails becomes a dead letter; the image is partial", async () => {
  const broken = scripted("broken", [fail]);
  await using app = await startApp({ steps: [broken, ok("steady")] });
  const id = await uploadOne(app);
  await app.drain();
  const image = await imageOf(app, id);
  assert.equal(image.status, "partial");
  assert.equal(image.steps.steady?.state, "done");
  assert.equal(broken.tries, 3);
  const [letter, ...more] = await deadLetters(app);
  assert.deepEqual(more, []);
  assert.equal(letter?.image_id, id);
  assert.equal(letter?.step, "broken");
  assert.deepEqual(letter?.errors.map(({ attempt, code }) => [attempt, code]), [
    [1, "upstream_failed"],
    [2, "upstream_failed"],
    [3, "upstream_failed"],
  ]);
});

Deno.test("an image of which every step gives up is failed", async () => {
  await using app = await startApp({ steps: [scripted("broken", [fail])] });
  const id = await uploadOne(app);
  await app.drain();
  assert.equal((await imageOf(app, id)).status, "failed");
});

Deno.test("Discard ends a step at the first try; Snooze spends none; skip counts neither way", async () => {
  const doomed = scripted("doomed", [() => Promise.reject(new Discard("no_use", "It can't be"))]);
  const later = scripted("later", [() => Promise.reject(new Snooze(60_000, "Not yet")), succeed]);
  const nothing = scripted("nothing", [() => Promise.resolve(skip("Nothing to do"))]);
  await using app = await startApp({ steps: [doomed, later, nothing, ok("steady")] });
  const id = await uploadOne(app);
  await app.drain();
  const { steps, status } = await imageOf(app, id);
  assert.equal(status, "partial");
  assert.deepEqual([steps.doomed?.state, steps.doomed?.attempts], ["failed", 1]);
  assert.deepEqual([steps.later?.state, steps.later?.attempts], ["done", 1]);
  assert.deepEqual([steps.nothing?.state, steps.nothing?.reason], ["skipped", "Nothing to do"]);
});

Deno.test("a step that ignores its deadline is left behind and tried again", async () => {
  const stuck = scripted("stuck", [() => new Promise<never>(() => {}), succeed]);
  await using app = await startApp({ steps: [stuck] });
  const id = await uploadOne(app);
  const drained = app.drain();
  await until(() => stuck.tries === 1);
  await app.clock.advance(1500);
  await drained;
  const { steps } = await imageOf(app, id);
  assert.deepEqual([steps.stuck?.state, steps.stuck?.errors[0]?.code], ["done", "timeout"]);
});

Deno.test("a step of 70 seconds runs once: its lease is renewed meanwhile", async () => {
  let finish = () => {};
  const long = scripted("long", [() => new Promise((resolve) => finish = () => resolve({}))]);
  long.timeoutMs = 90_000;
  await using app = await startApp({ steps: [long] });
  const id = await uploadOne(app);
  const drained = app.drain();
  await until(() => long.tries === 1);
  await app.clock.advance(70_000);
  finish();
  await drained;
  assert.equal(long.tries, 1);
  assert.equal((await imageOf(app, id)).steps.long?.state, "done");
});

Deno.test("a bell that rings twice, or for nothing, changes nothing", async () => {
  const counted = scripted("counted", [succeed]);
  await using app = await startApp({ steps: [counted] });
  await uploadOne(app);
  await app.drain();
  for (let i = 0; i < 5; i++) app.worker.scheduler.poke();
  await app.drain();
  assert.equal(counted.tries, 1);
});

Deno.test("a job that no bell announced is found by the sweep", async () => {
  const counted = scripted("counted", [succeed]);
  await using app = await startApp({ steps: [counted] });
  await app.worker.scheduler.start();
  const id = await uploadOne(app);
  assert.equal((await imageOf(app, id)).status, "pending");
  await app.clock.advance(5_000);
  await app.worker.scheduler.idle();
  assert.equal((await imageOf(app, id)).status, "done");
});

Deno.test("stop() interrupts a step without spending a try; the next start ends it", async () => {
  const hang = (): Promise<never> => new Promise(() => {});
  const slow = scripted("slow", [hang, succeed]);
  await using app = await startApp({ steps: [slow] });
  const id = await uploadOne(app);
  await app.worker.scheduler.start();
  await until(() => slow.tries === 1);
  assert.equal((await imageOf(app, id)).steps.slow?.state, "running");
  await app.worker.stop();
  const { steps } = await imageOf(app, id);
  assert.deepEqual([steps.slow?.state, steps.slow?.attempts], ["pending", 0]);

  await using next = await startApp({
    steps: [slow],
    db: app.services.db,
    storage: app.services.storage,
  });
  await next.drain();
  assert.equal((await imageOf(app, id)).steps.slow?.state, "done");
});

Deno.test("deleting an image while its job runs leaves neither job nor quota nor bytes", async () => {
  let finish = () => {};
  const slow = scripted("slow", [() => new Promise((resolve) => finish = () => resolve({}))]);
  await using app = await startApp({ steps: [slow] });
  const id = await uploadOne(app);
  const drained = app.drain();
  await until(() => slow.tries === 1);
  assert.equal((await app.request(`/images/${id}`, { method: "DELETE" })).status, 204);
  finish();
  await drained;
  const { db, storage, quotas } = app.services;
  assert.equal((await quotas.read(app.tenant)).used_bytes, 0);
  for await (const { key } of storage.list("")) assert.fail(`left behind: ${key}`);
  for (const table of [tables.jobsReady, tables.jobsRunning, tables.images, tables.imagesByHash]) {
    for await (const { key } of db.list({ prefix: table.prefix() })) assert.fail(String(key));
  }
});

Deno.test("an equal picture of the tenant is not asked about again, another tenant's is", async () => {
  const asked = {
    ...scripted("asked", [() => Promise.resolve({ ai_version: "1" })]),
    reuse: (twin: ImageRow) => Promise.resolve(twin.ai_version ? { ai_version: "1" } : null),
  };
  await using app = await startApp({ steps: [asked] });
  const other = await app.asTenant();
  const ids = [await uploadOne(app), await uploadOne(app)];
  assert.equal((await app.upload(png(), "same.png", other.key)).status, 202);
  await app.drain();
  for (const id of ids) assert.equal((await imageOf(app, id)).ai_version, "1");
  const used = await app.services.quotas.read(app.tenant);
  assert.equal(used.used_bytes, 2 * png().length, "each record is charged");
});

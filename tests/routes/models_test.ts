import assert from "node:assert/strict";
import { startApp, type TestApp } from "../helpers/app.ts";
import { correct } from "../helpers/corrections.ts";

const retrain = (app: TestApp) => app.request("/api/models/retrain", { method: "POST" });
const activate = (app: TestApp, version: string) =>
  app.request(`/api/models/${version}/activate`, { method: "POST" });
const list = async (app: TestApp) => (await (await app.request("/api/models")).json()).items;

Deno.test("POST /api/models/retrain keeps what does better on the held-back part, and it predicts", async () => {
  await using app = await startApp();
  await correct(app, 60);
  const response = await retrain(app);
  assert.equal(response.status, 201, await response.clone().text());
  const result = await response.json();
  assert.deepEqual([result.kept, result.version], [true, "cats-dogs-1.1"]);
  assert.deepEqual([result.examples, result.held_back], [48, 12]);
  assert.ok(result.after.accuracy >= result.before.accuracy);
  assert.ok(result.after.log_loss < result.before.log_loss);
  const [own, builtIn] = await list(app);
  assert.deepEqual([own.version, own.active], ["cats-dogs-1.1", true]);
  assert.deepEqual([builtIn.version, builtIn.active], ["cats-dogs-1", false]);
  assert.ok(!("weights" in own));
});

Deno.test("POST /api/models/retrain forgets a fit that does no better", async () => {
  await using app = await startApp();
  await correct(app, 60);
  await retrain(app);
  const again = await (await retrain(app)).json();
  assert.deepEqual([again.kept, again.version], [false, null]);
  assert.equal((await list(app)).length, 2);
});

Deno.test("POST /api/models/retrain says how many corrections are missing", async () => {
  await using app = await startApp();
  await correct(app, 4);
  const response = await retrain(app);
  assert.equal(response.status, 409);
  assert.match((await response.json()).detail, /4 corrected predictions/);
  await correct(app, 40, "another-model");
  assert.equal((await retrain(app)).status, 409, "another model's features say nothing here");
});

Deno.test("POST /api/models/{version}/activate rolls back to an earlier version and to the built-in one", async () => {
  await using app = await startApp();
  await correct(app, 60);
  await retrain(app);
  for (const version of ["cats-dogs-1", "cats-dogs-1.1", "cats-dogs-1"]) {
    assert.equal((await (await activate(app, version)).json()).active, true);
    assert.deepEqual(
      (await list(app)).filter(({ active }: { active: boolean }) => active).length,
      1,
    );
  }
  assert.equal((await activate(app, "cats-dogs-1.2")).status, 404);
  const actions = (await (await app.request("/audit")).json()).items.map(
    ({ action }: { action: string }) => action,
  );
  assert.ok(actions.includes("model.retrained") && actions.includes("model.activated"));
});

Deno.test("a tenant's version predicts for that tenant alone", async () => {
  await using app = await startApp();
  await correct(app, 60);
  await retrain(app);
  const other = await app.asTenant();
  const predict = async ({ request }: Pick<TestApp, "request">) => {
    const body = new FormData();
    const bytes = await Deno.readFile(new URL("../fixtures/pets/cat.jpg", import.meta.url));
    body.append("file", new File([bytes], "cat.jpg"));
    return await (await request("/api/predict", { method: "POST", body })).json();
  };
  assert.equal((await predict(app)).model_used, "cats-dogs-1.1");
  assert.equal((await predict(other)).model_used, "cats-dogs-1");
  assert.equal(
    (await other.request("/api/models/cats-dogs-1.1/activate", { method: "POST" })).status,
    404,
  );
});

import assert from "node:assert/strict";
import { tables } from "../../lib/tables.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { png } from "../helpers/pictures.ts";

const DAY = 24 * 60 * 60 * 1000;

async function predictAndJudge(app: TestApp, judges = true): Promise<string> {
  const body = new FormData();
  body.append("file", new File([png()], "a.png"));
  const answer = await app.request("/api/predict", { method: "POST", body });
  const { prediction_id } = await answer.json();
  if (judges) await judge(app, prediction_id);
  return prediction_id;
}

const judge = (app: TestApp, prediction_id: string) =>
  app.request("/api/feedback", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      ...{ feedback: "positive", resultat_prediction: 0.5, input_user: "a.png", prediction_id },
    }),
  });

/** How many records of each kind the tenant has. */
async function counts({ services: { db }, tenant }: TestApp): Promise<number[]> {
  const kinds = [tables.predictions, tables.feedback, tables.predictionFigures];
  return await Promise.all(
    kinds.map(async ({ prefix }) =>
      (await Array.fromAsync(db.list({ prefix: prefix(tenant.id) }))).length
    ),
  );
}

Deno.test("predictions, feedback and figures go when their days are over, each by its own age", async () => {
  await using app = await startApp({
    env: { INFERENCE_RETENTION_DAYS: "10", FEEDBACK_RETENTION_DAYS: "30" },
  });
  const { sweep } = app.worker.retention;
  const first = await predictAndJudge(app, false);
  await app.clock.advance(9 * DAY);
  await judge(app, first);
  await sweep();
  assert.deepEqual((await counts(app)).slice(0, 2), [1, 1]);
  await app.clock.advance(DAY + 1);
  await sweep();
  assert.deepEqual((await counts(app)).slice(0, 2), [0, 1], "the feedback is younger");
  await app.clock.advance(28 * DAY);
  await sweep();
  assert.equal((await counts(app))[1], 1, "its id is older than 30 days, it is not");
  await app.clock.advance(2 * DAY);
  await sweep();
  assert.deepEqual(await counts(app), [0, 0, 0]);
});

Deno.test("erasing a client leaves nothing of its predictions", async () => {
  await using app = await startApp();
  await predictAndJudge(app);
  await app.services.erasures.erase(app.tenant.id, "default", "master");
  assert.deepEqual(await counts(app), [0, 0, 0]);
});

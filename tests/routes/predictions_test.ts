import assert from "node:assert/strict";
import { startApp, type TestApp } from "../helpers/app.ts";
import { startFakeAi } from "../helpers/fake_ai.ts";
import { png } from "../helpers/pictures.ts";
import { recount } from "../helpers/recount.ts";
import { tables } from "../../lib/tables.ts";

const fixture = (name: string) => Deno.readFile(new URL(`../fixtures/${name}`, import.meta.url));

type Fields = Record<string, string>;

function predict(
  { request }: Pick<TestApp, "request">,
  bytes: Uint8Array<ArrayBuffer>,
  fields: Fields = {},
  headers: Fields = {},
) {
  const body = new FormData();
  body.append("file", new File([bytes], "photo.jpg", { type: "image/jpeg" }));
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  return request("/api/predict", { method: "POST", body, headers });
}

function judge({ request }: Pick<TestApp, "request">, body: unknown) {
  const headers = { "Content-Type": "application/json" };
  return request("/api/feedback", { method: "POST", headers, body: JSON.stringify(body) });
}

async function figures(app: TestApp, path: string) {
  return await (await app.request(path)).json();
}

/** Objects that a tenant has in storage. */
async function objects(app: TestApp): Promise<string[]> {
  const all = await Array.fromAsync(app.services.storage.list(`${app.tenant.id}/`));
  return all.map(({ key }) => key);
}

Deno.test("POST /api/predict says what the picture shows and keeps neither picture nor name", async () => {
  await using app = await startApp();
  const response = await predict(app, await fixture("pets/cat.jpg"));
  assert.equal(response.status, 200, await response.clone().text());
  const answer = await response.json();
  assert.equal(answer.filename, "photo.jpg");
  assert.equal(answer.prediction, "Cat");
  const { cat, dog } = answer.scores;
  assert.ok(Math.abs(cat + dog - 1) < 1e-9 && cat > 0.6);
  assert.equal(answer.confidence, `${(cat * 100).toFixed(2)}%`);
  assert.deepEqual(answer.probabilities, {
    cat: `${(cat * 100).toFixed(2)}%`,
    dog: `${(dog * 100).toFixed(2)}%`,
  });
  assert.match(answer.model_used, /^cats-dogs-/);
  assert.ok(Number.isInteger(answer.inference_ms));
  assert.deepEqual(await objects(app), []);
  const row = await app.services.db.get(
    tables.predictions.key(app.tenant.id, answer.prediction_id),
  );
  assert.ok(!JSON.stringify(row).includes("photo.jpg"));
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
});

Deno.test('POST /api/predict answers "Unknown" for what is neither, or not sure enough', async () => {
  await using app = await startApp();
  const coffee = await (await predict(app, await fixture("pets/coffee.jpg"))).json();
  assert.equal(coffee.prediction, "Unknown");
  await using strict = await startApp({ env: { PREDICT_MIN_CONFIDENCE: "1" } });
  const cat = await (await predict(strict, await fixture("pets/cat.jpg"))).json();
  assert.equal(cat.prediction, "Unknown");
});

Deno.test("POST /api/predict refuses what is no picture with 400, and counts it as an error", async () => {
  await using app = await startApp();
  const refused = [
    new TextEncoder().encode("no picture"),
    (await fixture("truncated.jpg")).subarray(0, 200),
    new Uint8Array(0),
  ];
  for (const bytes of refused) {
    const response = await predict(app, new Uint8Array(bytes));
    assert.equal(response.status, 400, await response.clone().text());
    assert.match(response.headers.get("Content-Type")!, /problem\+json/);
  }
  const empty = await app.request("/api/predict", { method: "POST", body: new FormData() });
  assert.equal(empty.status, 400);
  assert.deepEqual(await objects(app), []);
  const { sum } = await figures(app, "/api/metrics/7d");
  assert.deepEqual([sum.predictions, sum.errors, sum.error_rate], [0, refused.length, 1]);
});

Deno.test("POST /api/predict leaves nothing behind when the form goes wrong after the picture", async () => {
  await using app = await startApp();
  const body = new FormData();
  body.append("file", new File([png()], "a.png"));
  body.append("other", new File([png()], "b.png"));
  assert.equal((await app.request("/api/predict", { method: "POST", body })).status, 413);
  assert.deepEqual(await objects(app), []);
});

Deno.test("POST /api/predict with labels asks the vision provider", async () => {
  const ai = startFakeAi({ answer: { scores: [0.1, 0.9] } });
  try {
    await using app = await startApp({
      env: { AI_PROVIDER: "gemini", GEMINI_API_KEY: "key", GEMINI_BASE_URL: ai.geminiBaseUrl },
    });
    const answer = await (await predict(app, png(), { labels: "apple, pear" })).json();
    assert.deepEqual([answer.prediction, answer.scores], ["Pear", { apple: 0.1, pear: 0.9 }]);
    assert.equal(ai.requests[0]?.pictures.length, 1);
    assert.equal((await predict(app, png(), { labels: "one" })).status, 422);

    const { request } = await app.asTenant({ external_ai: false });
    assert.equal((await predict({ request }, png(), { labels: "apple, pear" })).status, 403);
    assert.equal(ai.requests.length, 1, "no picture of theirs goes out");
  } finally {
    await ai.close();
  }
});

Deno.test("POST /api/predict with labels is 503 without a provider", async () => {
  await using app = await startApp();
  const response = await predict(app, png(), { labels: "apple, pear" });
  assert.equal(response.status, 503);
  assert.match((await response.json()).type, /ai_unavailable/);
});

Deno.test("POST /api/predict with an Idempotency-Key predicts once", async () => {
  await using app = await startApp();
  const headers = { "Idempotency-Key": "once" };
  const [first, second] = [
    await (await predict(app, png(), {}, headers)).json(),
    await (await predict(app, png(), {}, headers)).json(),
  ];
  assert.equal(first.prediction_id, second.prediction_id);
  assert.equal((await figures(app, "/api/metrics/7d")).sum.predictions, 1);
});

Deno.test("POST /api/feedback takes one word a prediction; the second replaces the first", async () => {
  await using app = await startApp();
  const { prediction_id } = await (await predict(app, png())).json();
  const given = { resultat_prediction: 0.75, input_user: "secret-name.jpg", prediction_id };
  const first = await judge(app, { ...given, feedback: "positive" });
  assert.equal(first.status, 201, await first.clone().text());
  const second = await (await judge(app, { ...given, feedback: "negative", label: "cat" })).json();
  assert.deepEqual([second.id, second.feedback, second.label], [prediction_id, "negative", "cat"]);
  const { sum } = await figures(app, "/api/metrics/7d");
  assert.deepEqual([sum.feedback, sum.positive_rate], [1, 0]);
  assert.deepEqual([sum.avg_confidence_positive, sum.avg_confidence_negative], [null, 0.75]);
  const kept = await Array.fromAsync(app.services.db.kv.list({ prefix: [] }));
  const told = JSON.stringify(kept, (_, value) => typeof value === "bigint" ? `${value}` : value);
  assert.ok(!told.includes("secret-name"), "only a pseudonym is kept");
});

Deno.test("POST /api/feedback stands alone where the prediction is not named", async () => {
  await using app = await startApp();
  const given = { feedback: "positive", resultat_prediction: 0.8765, input_user: "a.jpg" };
  assert.equal((await judge(app, given)).status, 201);
  assert.equal((await judge(app, given)).status, 201);
  assert.equal((await figures(app, "/api/metrics/daily")).days.at(-1).feedback, 2);
});

Deno.test("POST /api/feedback refuses what makes no sense, and another tenant's prediction", async () => {
  await using app = await startApp();
  const { prediction_id } = await (await predict(app, png())).json();
  const given = { feedback: "positive", resultat_prediction: 0.5, input_user: "a.jpg" };
  const wrong = [
    { ...given, feedback: "maybe" },
    { ...given, resultat_prediction: 1.5 },
    { ...given, resultat_prediction: "0.5" },
    { ...given, input_user: undefined },
    { ...given, prediction_id: "1" },
  ];
  for (const body of wrong) assert.equal((await judge(app, body)).status, 422);
  const other = await app.asTenant();
  assert.equal((await judge(other, { ...given, prediction_id })).status, 404);
  assert.equal((await judge(app, { ...given, prediction_id: crypto.randomUUID() })).status, 404);
});

Deno.test("GET /api/metrics equals a recount of what was sent, over days, and the CSV says the same", async () => {
  await using app = await startApp();
  const DAY = 24 * 60 * 60 * 1000;
  const sent: { ms: number; date: string }[] = [];
  const words: { date: string; positive: boolean; confidence: number }[] = [];
  for (let day = 0; day < 3; day++) {
    const date = new Date(app.clock.now()).toISOString().slice(0, 10);
    for (let i = 0; i <= day; i++) {
      const { inference_ms } = await (await predict(app, png(8 + i, 8, 40 * day))).json();
      sent.push({ ms: inference_ms, date });
      const word = { date, positive: i % 2 === 0, confidence: 0.5 + 0.1 * i };
      words.push(word);
      await judge(app, {
        feedback: word.positive ? "positive" : "negative",
        resultat_prediction: word.confidence,
        input_user: "a.jpg",
      });
    }
    await app.clock.advance(DAY);
  }
  const { days, sum } = await figures(app, "/api/metrics/7d");
  assert.equal(days.length, 7);
  for (const day of days) {
    const ours = sent.filter(({ date }) => date === day.date);
    const judged = words.filter(({ date }) => date === day.date);
    const positive = judged.filter(({ positive }) => positive);
    assert.equal(day.predictions, ours.length);
    assert.equal(day.feedback, judged.length);
    if (judged.length) {
      assert.ok(Math.abs(day.positive_rate - positive.length / judged.length) < 1e-6);
    } else assert.equal(day.positive_rate, null);
  }
  assert.deepEqual([sum.predictions, sum.feedback, sum.errors], [sent.length, words.length, 0]);

  const response = await app.request("/api/metrics/7d?format=csv");
  assert.match(response.headers.get("Content-Type")!, /text\/csv/);
  const [header, ...lines] = (await response.text()).trim().split("\r\n");
  const names = header!.split(",");
  assert.deepEqual(names, Object.keys(days[0]));
  const rows = lines.map((line) => line.split(",").map((cell) => cell === "" ? null : cell));
  const expected = [...days, { date: "sum", ...sum }].map((row) =>
    names.map((name) => row[name] === null ? null : String(row[name]))
  );
  assert.deepEqual(rows, expected);
});

Deno.test("latencies are told exactly: mean, and the 95th percentile by nearest rank", async () => {
  await using app = await startApp();
  const { createPredictionFigures } = await import("../../lib/prediction_figures.ts");
  const counted = createPredictionFigures({ db: app.services.db });
  const latencies = Array.from({ length: 100 }, (_, at) => (at * 37) % 100 + 1);
  const at = new Date(app.clock.now()).toISOString();
  for (const ms of [...latencies, 1_234]) {
    await app.services.db.transact((tx) => counted.predicted(tx, app.tenant.id, at, ms));
  }
  const { sum } = await counted.days(app.tenant.id, app.clock.now(), 1);
  const sorted = [...latencies, 1_234].toSorted((a, b) => a - b);
  assert.equal(sum.p95_latency_ms, sorted[Math.ceil(0.95 * sorted.length) - 1]);
  const mean = sorted.reduce((all, one) => all + one, 0) / sorted.length;
  assert.ok(Math.abs(sum.avg_latency_ms! - mean) < 1e-6);
});

Deno.test("GET /api/info and /api/health tell the model that predicts", async () => {
  await using app = await startApp();
  const info = await (await app.app.request("/api/info")).json();
  assert.equal(info.model_loaded, true);
  assert.match(info.version, /^cats-dogs-/);
  assert.ok(info.parameters > 500_000 && info.model_path);
  const health = await (await app.app.request("/api/health")).json();
  assert.deepEqual([health.status, health.model_loaded], ["healthy", true]);
});

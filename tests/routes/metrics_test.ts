import assert from "node:assert/strict";
import { startApp } from "../helpers/app.ts";
import { startFakeAi } from "../helpers/fake_ai.ts";
import { png } from "../helpers/pictures.ts";

type App = Awaited<ReturnType<typeof startApp>>;

const scrape = async (app: App) => await (await app.request("/metrics", {}, "")).text();

/** What promtool has to say of an exposition; null where there is no promtool. */
async function promtool(text: string): Promise<string | null> {
  try {
    const child = new Deno.Command("promtool", {
      args: ["check", "metrics"],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
    const { stdout, stderr } = await child.output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

const hasPromtool = await promtool("") !== null;

Deno.test("GET /metrics counts uploads by result, dead letters by step, and jobs that wait", async () => {
  await using app = await startApp({ env: { METRICS_TOKEN: "" } });
  await (await app.upload(png())).text();
  await (await app.upload(new TextEncoder().encode("no picture"))).text();
  const before = await scrape(app);
  assert.match(before, /^imago_uploads_total\{result="accepted"\} 1$/m);
  assert.match(before, /^imago_uploads_total\{result="unsupported_type"\} 1$/m);
  assert.match(before, new RegExp(`^imago_upload_bytes_total ${png().length}$`, "m"));
  assert.match(before, /^imago_jobs_waiting\{state="due"\} 1$/m);
  assert.match(before, /^imago_build_info\{version="[\d.]+",deno="[\d.]+"\} 1$/m);
  await app.drain();
  await app.clock.advance(10_000);
  assert.match(await scrape(app), /^imago_jobs_waiting\{state="due"\} 0$/m);
});

Deno.test("GET /metrics tells calls and tokens of models, and steps that gave up", async () => {
  const fake = startFakeAi({ mode: (_, index) => index === 0 ? "ok" : "401" });
  const env = {
    AI_PROVIDER: "openai",
    OPENAI_BASE_URL: fake.openaiBaseUrl,
    OPENAI_API_KEY: "sk-test",
  };
  await using app = await startApp({ env });
  for (const colour of [1, 2]) await (await app.upload(png(8, 8, colour))).text();
  await app.drain();
  await fake.close();
  const text = await scrape(app);
  assert.match(text, /^imago_ai_calls_total\{provider="openai",outcome="ok"\} 1$/m);
  assert.match(text, /^imago_ai_calls_total\{provider="openai",outcome="account"\} [1-9]/m);
  assert.match(text, /^imago_ai_tokens_total\{provider="openai",direction="input"\} 300$/m);
  assert.match(text, /^imago_ai_tokens_total\{provider="openai",direction="output"\} 100$/m);
  assert.match(text, /^imago_dead_letters_total\{step="vision"\} 1$/m);
});

Deno.test("GET /metrics has no label that grows with tenants or images", async () => {
  await using app = await startApp();
  const { id } = await (await app.upload(png())).json();
  await app.request(`/images/${id}`);
  await app.request(`/nowhere/${id}`);
  await app.drain();
  const text = await scrape(app);
  for (const unbounded of [id, app.tenant.id, "nowhere"]) assert.ok(!text.includes(unbounded));
});

Deno.test({
  name: "GET /metrics is as Prometheus wants it",
  ignore: !hasPromtool,
  async fn() {
    await using app = await startApp();
    await (await app.upload(png())).text();
    await app.drain();
    assert.equal(await promtool(await scrape(app)), "");
  },
});

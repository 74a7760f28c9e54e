import assert from "node:assert/strict";
import { gpusOf } from "../../lib/machine.ts";
import type { DashboardStats, PerformanceStats, SystemStats } from "../../lib/model/stats.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { png } from "../helpers/pictures.ts";
import { recount } from "../helpers/recount.ts";
import { defineStep, Discard } from "../../pipeline/step.ts";

const DAY = 24 * 60 * 60 * 1000;

/** Succeeds, but for pictures of this name. */
const picky = defineStep({
  name: "renditions",
  timeoutMs: 1_000,
  run({ image }) {
    if (image.original_name === "bad.png") throw new Discard("bad", "It is bad");
    return Promise.resolve({});
  },
});

const read = async <T>({ request }: Pick<TestApp, "request">, what: string): Promise<T> =>
  await (await request(`/api/stats/${what}`)).json();

const tell = (app: TestApp, body: unknown) =>
  app.request("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

Deno.test("GET /api/stats/dashboard counts what the tenant has, by state and by day", async () => {
  await using app = await startApp({ steps: [picky] });
  await app.upload(png(), "yesterday.png");
  await app.clock.advance(DAY);
  for (const name of ["a.png", "bad.png"]) await app.upload(png(), name);
  assert.equal((await read<DashboardStats>(app, "dashboard")).images.by_status.pending, 3);
  await app.drain();
  await tell(app, { type: "intrusion", severity: "high" });
  const { images, uploads, events, cameras, days } = await read<DashboardStats>(
    app,
    "dashboard?days=3",
  );
  assert.deepEqual(images.by_status, { pending: 0, processing: 0, done: 2, partial: 0, failed: 1 });
  assert.equal(images.total, 3);
  assert.ok(images.used_bytes > 0 && images.used_bytes < images.limit_bytes);
  assert.deepEqual([uploads.total, uploads.failed], [3, 1]);
  assert.deepEqual([events.total, events.unacknowledged, events.by_severity.high], [1, 1, 1]);
  assert.deepEqual(cameras, {
    total: 0,
    by_status: { inactive: 0, connecting: 0, active: 0, error: 0 },
  });
  assert.deepEqual(days, [
    { date: "2026-04-30", images: 0, events: 0, predictions: 0 },
    { date: "2026-05-01", images: 1, events: 0, predictions: 0 },
    { date: "2026-05-02", images: 2, events: 1, predictions: 0 },
  ]);
});

Deno.test("GET /api/stats/dashboard forgets deleted images, follows reprocessing, and is the tenant's own", async () => {
  await using app = await startApp({ steps: [picky] });
  const { id } = await (await app.upload(png(), "a.png")).json();
  const { id: bad } = await (await app.upload(png(), "bad.png")).json();
  await app.drain();
  await app.worker.stop();
  await app.request(`/images/${id}`, { method: "DELETE" });
  const after = await read<DashboardStats>(app, "dashboard");
  assert.deepEqual([after.images.total, after.images.by_status.failed], [1, 1]);
  assert.deepEqual(await recount(app.services.db, app.services.storage), []);
  assert.equal((await app.request(`/images/${bad}/reprocess`, { method: "POST" })).status, 202);
  const again = await read<DashboardStats>(app, "dashboard");
  assert.deepEqual([again.images.by_status.pending, again.images.by_status.failed], [1, 0]);
  const other = await app.asTenant();
  assert.equal((await read<DashboardStats>(other, "dashboard")).images.total, 0);
  assert.equal((await app.request("/api/stats/dashboard?days=91")).status, 422);
});

Deno.test("GET /api/stats/performance tells of the tenant's queue, cameras and latencies", async () => {
  await using app = await startApp({ steps: [picky] });
  assert.deepEqual((await read<PerformanceStats>(app, "performance")).latency, {
    image_seconds: 0,
    prediction_ms: null,
    prediction_p95_ms: null,
  });
  await app.upload(png(), "a.png");
  await app.clock.advance(3_000);
  const { queue, fps, cameras } = await read<PerformanceStats>(app, "performance");
  assert.deepEqual(queue, { waiting: 1, later: 0, running: 0, oldest_waiting_seconds: 3 });
  assert.deepEqual([fps, cameras], [0, []]);
  const other = await app.asTenant({ plan: "premium" });
  assert.equal((await read<PerformanceStats>(other, "performance")).queue.waiting, 0);
  await app.drain();
  const { latency } = await read<PerformanceStats>(app, "performance");
  assert.equal(latency.image_seconds, 3);
});

Deno.test("GET /api/stats/system tells admins alone what the system tells", async () => {
  await using app = await startApp({ steps: [] });
  const { cpu, memory, disk, process } = await read<SystemStats>(app, "system");
  assert.equal(cpu.cores, navigator.hardwareConcurrency);
  assert.ok(cpu.usage === null || (cpu.usage >= 0 && cpu.usage <= 1));
  assert.ok(memory && memory.used_bytes > 0 && memory.used_bytes < memory.total_bytes);
  assert.equal(disk, null, "this database is in memory");
  assert.ok(process.rss_bytes > 0);
  const reader = await app.asTenant({ scopes: ["images:read", "cameras:read"] });
  assert.equal((await reader.request("/api/stats/system")).status, 403);
});

Deno.test("gpusOf() reads what nvidia-smi prints, also where a card does not tell all", () => {
  assert.deepEqual(gpusOf("NVIDIA L4, 37, 1024, 23034\nNVIDIA T4, [N/A], 0, 15360\n"), [
    { name: "NVIDIA L4", usage: 0.37, used_bytes: 1024 * 2 ** 20, total_bytes: 23034 * 2 ** 20 },
    { name: "NVIDIA T4", usage: 0, used_bytes: 0, total_bytes: 15360 * 2 ** 20 },
  ]);
});

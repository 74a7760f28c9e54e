/**
 * What the console costs a browser: the first page's bytes, and nodes, memory and frames among
 * 10,000 photos, with a live picture, and while events come: `deno task bench:console`.
 */
// deno-lint-ignore-file no-import-prefix -- see tests/helpers/browser.ts
import type { Page } from "npm:playwright-core@1.65.1";
import { startBrowser } from "../helpers/browser.ts";
import { fakeImages } from "../helpers/fake_images.ts";
import { furnish, startSurroundings } from "../helpers/furnished.ts";
import { type Server, startServer } from "../helpers/server.ts";

const PHOTOS = 10_000;
const EVENTS = 400;
const WATCH_MS = 20_000;
const DEADLINE_MS = 60_000;

const dataDir = await Deno.makeTempDir();
try {
  await using surroundings = startSurroundings();
  const env = { ...surroundings.env, RATE_LIMIT_PER_MINUTE: "100000" };
  await using server = await startServer({ dataDir, env });
  const { camera } = await furnish(server, surroundings);
  await using browser = await startBrowser();
  const fresh = () =>
    browser.page({ baseURL: server.base, viewport: { width: 1280, height: 800 } });
  await firstPage(await fresh());
  const page = await fresh();
  await page.goto("/");
  await page.evaluate((key) => {
    sessionStorage.setItem("imago.credentials", JSON.stringify({ kind: "key", key }));
  }, server.key);
  await gallery(page);
  await live(page, camera);
  await events(page, server);
} finally {
  await Deno.remove(dataDir, { recursive: true });
}

/** Bytes on the wire until the first page stands, with nothing kept from before. */
async function firstPage(page: Page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  let bytes = 0, requests = 0;
  session.on("Network.loadingFinished", ({ encodedDataLength }) => {
    bytes += encodedDataLength;
    requests++;
  });
  const began = performance.now();
  await page.goto("/", { waitUntil: "networkidle" });
  await page.locator("#key").waitFor();
  const ms = Math.round(performance.now() - began);
  say(`first page: ${(bytes / 1000).toFixed(1)} kB in ${requests} answers, quiet after ${ms} ms`);
}

async function gallery(page: Page) {
  await page.route(/\/images\?/, fakeImages(PHOTOS));
  await page.goto("/console/images");
  await page.locator(".tile img").first().waitFor();
  const before = await weigh(page);
  const worked = await workOf(page);
  const frames = await page.evaluate(scrollThrough, PHOTOS);
  const work = (await worked()) / frames.length;
  const after = await weigh(page);
  const sorted = frames.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)]!.toFixed(0);
  say(
    `${PHOTOS} photos scrolled through, ${frames.length} frames: ` +
      `median ${at(0.5)} ms, 95 % ${at(0.95)} ms, longest ${at(1)} ms; ${
        work.toFixed(1)
      } ms of it the page's own work`,
  );
  compare("  top and end of the list", before, after);
  await page.unroute(/\/images\?/);
}

/** From now on: how many ms scripts, styles and layout take; the rest is painting. */
async function workOf(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const read = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    const parts = ["ScriptDuration", "LayoutDuration", "RecalcStyleDuration"];
    return metrics.filter(({ name }) => parts.includes(name))
      .reduce((sum, { value }) => sum + value * 1000, 0);
  };
  const before = await read();
  return async () => await read() - before;
}

/** Scrolls down as a reader in a hurry does, to the last photo; gives each frame's ms. */
async function scrollThrough(photos: number): Promise<number[]> {
  const frames: number[] = [];
  const next = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
  let last = await next();
  while (!document.querySelector(`.tile[aria-posinset="${photos}"]`)) {
    scrollBy(0, innerHeight / 3);
    const now = await next();
    frames.push(now - last);
    last = now;
  }
  return frames;
}

async function live(page: Page, camera: string) {
  await page.goto(`/console/cameras/${camera}`);
  await page.locator(".live img[src]").waitFor();
  const before = await weigh(page);
  await page.waitForTimeout(WATCH_MS);
  compare(`a live picture, ${WATCH_MS / 1000} s`, before, await weigh(page));
}

async function events(page: Page, server: Server) {
  await page.goto("/console/events");
  await page.locator("body[data-ready]").waitFor();
  const before = await weigh(page);
  for (let place = 0; place < EVENTS; place++) {
    const answer = await server.request("/api/events", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ type: "motion", description: `Number ${place}` }),
    });
    await answer.body?.cancel();
  }
  const last = page.getByText(`Number ${EVENTS - 1}`);
  await last.waitFor({ timeout: DEADLINE_MS });
  compare(`${EVENTS} events as they came`, before, await weigh(page));
}

type Weight = { nodes: number; bytes: number };

/** Nodes of the page, and its memory once what is not needed is let go. */
async function weigh(page: Page): Promise<Weight> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  const nodes = await page.locator("*").count();
  await session.detach();
  return { nodes, bytes: usedSize };
}

function compare(what: string, before: Weight, after: Weight) {
  const mb = (bytes: number) => (bytes / 1_000_000).toFixed(1);
  say(
    `${what}: ${before.nodes} → ${after.nodes} nodes, ` +
      `${mb(before.bytes)} → ${mb(after.bytes)} MB of script memory`,
  );
}

function say(line: string) {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/**
 * Uploads from several clients while the server is killed with -9 at random, again and again;
 * then lets it come to rest and recounts. Prints a line of figures a round, and ends with code 1
 * when anything is broken.
 *
 *     deno run -A tests/e2e/kill_loop.ts --rounds 10 --uploads 200 --kills 20 --seed 1
 */
import { parseArgs } from "node:util";
import { recountFolder, waitForSweep } from "../helpers/recount.ts";
import { launchServer, type Server, startServer } from "../helpers/server.ts";
import { createPhotos } from "./photos.ts";

/** A server lives this long before it is killed. */
const SHORTEST_MS = 200;
const LONGEST_MS = 3_000;
/** What is acknowledged is settled so soon after the last start, and some seconds more for OCR. */
const SETTLED_MS = 180_000;
const OCR_MS = 5_000;
const ANSWER_MS = 20_000;
const CLIENTS = 4;
/** Every so many images are deleted again by who uploaded them. */
const DELETE_EACH = 8;
const OBJECTS_PER_IMAGE = 4;

type Plan = {
  seed: number;
  uploads: number;
  kills: number;
  /** With OCR, which makes jobs that outlive most lives of the server. */
  ocr: boolean;
};

/** What the clients know, and how far the killing is. */
type Course = {
  url: string;
  key: string;
  kills: number;
  /** Image ids by the name of their file. */
  acknowledged: Map<string, string>;
  deleted: Set<string>;
  /** Requests by file name that broke off, so that nobody knows whether they were heard. */
  unanswered: Map<string, number>;
  /** Answers that no client should get. */
  strange: string[];
};

if (import.meta.main) await main();

async function main() {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      rounds: { type: "string", default: "10" },
      uploads: { type: "string", default: "200" },
      kills: { type: "string", default: "20" },
      ocr: { type: "boolean", default: false },
    },
  });
  let broken = false;
  for (let round = 0; round < Number(values.rounds); round++) {
    const figures = await killLoop({
      seed: Number(values.seed) + round,
      uploads: Number(values.uploads),
      kills: Number(values.kills),
      ocr: values.ocr,
    });
    // deno-lint-ignore no-console -- its output is its purpose
    console.log(JSON.stringify(figures));
    broken ||= figures.broken.length > 0;
  }
  if (broken) Deno.exit(1);
}

/** One round on a folder of its own. */
async function killLoop(plan: Plan) {
  const dataDir = await Deno.makeTempDir({ prefix: "imago-kill-loop-" });
  try {
    const course = await begin(dataDir);
    const env = { PORT: new URL(course.url).port, OCR_ENABLED: String(plan.ocr) };
    const began = performance.now();
    const done = Promise.all(await clients(plan, course));
    await killUntil(done, { dataDir, env, plan, course });
    const uploaded = performance.now();
    await using server = await startServer({ dataDir, env });
    const images = await server.settle(SETTLED_MS + (plan.ocr ? plan.uploads * OCR_MS : 0));
    const settled = performance.now();
    await waitForSweep(dataDir, images.length * OBJECTS_PER_IMAGE);
    await server.kill("SIGTERM");
    const acknowledged = [...course.acknowledged.values()];
    const { broken, rescues, deadLetters } = await recountFolder(dataDir, { acknowledged });
    return {
      ...plan,
      kills: course.kills,
      acknowledged: acknowledged.length + course.deleted.size,
      deleted: course.deleted.size,
      unanswered: [...course.unanswered.values()].reduce((sum, count) => sum + count, 0),
      images: images.length,
      rescues,
      dead_letters: deadLetters,
      seconds: seconds(uploaded - began),
      seconds_to_settle: seconds(settled - uploaded),
      broken: [...broken, ...course.strange, ...surprises(images, course, deadLetters)],
    };
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** The first start, which makes the keys, and a port for all starts to come. */
async function begin(dataDir: string): Promise<Course> {
  await using server = await startServer({ dataDir });
  await server.kill("SIGTERM");
  return {
    url: server.base,
    key: server.key,
    kills: 0,
    acknowledged: new Map(),
    deleted: new Set(),
    unanswered: new Map(),
    strange: [],
  };
}

/** Starts the server and kills it, until the clients are done and it was killed often enough. */
async function killUntil(
  done: Promise<unknown>,
  given: { dataDir: string; env: Record<string, string>; plan: Plan; course: Course },
) {
  const { dataDir, env, plan, course } = given;
  const random = mulberry32(plan.seed);
  let open = true;
  void done.then(() => open = false);
  while (open || course.kills < plan.kills) {
    const life = SHORTEST_MS + random() * (LONGEST_MS - SHORTEST_MS);
    await using server = await launchServer({ dataDir, env });
    await Promise.race([pause(life), server.stopped]);
    const { signal } = await server.kill("SIGKILL");
    if (signal !== "SIGKILL") course.strange.push(`it ended by itself:\n${tail(server)}`);
    course.kills++;
  }
  await done;
}

async function clients({ uploads, kills }: Plan, course: Course) {
  const photoOf = await createPhotos();
  let next = 0;
  const client = async () => {
    for (let number = next++; number < uploads; number = next++) {
      // Spread over the whole round: as many between any two kills.
      while (course.kills < Math.floor(number * kills / uploads)) await pause(20);
      const name = `photo-${number}.jpg`;
      const id = await upload(course, name, photoOf(number));
      if (number % DELETE_EACH === DELETE_EACH - 1) await remove(course, name, id);
    }
  };
  return Array.from({ length: CLIENTS }, client);
}

/** Sends a picture until it is acknowledged. */
async function upload(course: Course, name: string, bytes: Uint8Array<ArrayBuffer>) {
  for (;;) {
    const body = new FormData();
    body.append("file", new File([bytes], name));
    const answer = await ask(course, name, "/images/upload", { method: "POST", body });
    if (answer?.status === 202) {
      const { id } = answer.json;
      course.acknowledged.set(name, id);
      return id;
    }
  }
}

/** Deletes an image until that is acknowledged, or it is told that it is gone already. */
async function remove(course: Course, name: string, id: string) {
  course.acknowledged.delete(name);
  for (;;) {
    const answer = await ask(course, name, `/images/${id}`, { method: "DELETE" });
    if (answer?.status !== 204 && answer?.status !== 404) continue;
    course.deleted.add(id);
    return;
  }
}

/** One request; null when no answer, or only half of one, came. */
async function ask({ url, key, ...course }: Course, name: string, path: string, init: RequestInit) {
  try {
    const headers = { "X-API-Key": key };
    const answer = await fetch(`${url}${path}`, {
      ...init,
      headers,
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const text = await answer.text();
    if (answer.status >= 400 && answer.status !== 404 && answer.status !== 503) {
      course.strange.push(`${init.method} ${path}: ${answer.status} ${text}`);
    }
    return { status: answer.status, json: text ? JSON.parse(text) : null };
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof DOMException)) throw error;
    if (!/tcp connect error/.test(String(error.cause))) {
      course.unanswered.set(name, (course.unanswered.get(name) ?? 0) + 1);
    }
    await pause(20);
    return null;
  }
}

/** What the recount alone cannot know: what was promised to whom. */
function surprises(
  images: Awaited<ReturnType<Server["images"]>>,
  { acknowledged, deleted, unanswered }: Course,
  deadLetters: number,
): string[] {
  const byName = Map.groupBy(images, ({ original_name }) => original_name);
  const promised = new Map(
    [...byName.keys()].map((name) => [name, acknowledged.has(name) ? 1 : 0]),
  );
  return [
    ...(deadLetters ? [`${deadLetters} dead letters`] : []),
    ...images.filter(({ status }) => status !== "done").map(({ id, status }) => `${id}: ${status}`),
    ...images.filter(({ id }) => deleted.has(id)).map(({ id }) => `${id} came back`),
    ...[...byName].filter(([name, { length }]) =>
      length > promised.get(name)! + (unanswered.get(name) ?? 0)
    ).map(([name]) => `${name} is there more often than it was sent`),
  ];
}

/** Tommy Ettinger's mulberry32: numbers in [0, 1) that a seed repeats. */
function mulberry32(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function tail({ log }: Server): string {
  return log.slice(-10).join("\n");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

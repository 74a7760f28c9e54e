/**
 * Watches three cameras with the real program while they fail: one that sends JPEG snapshots of a
 * still scene, one that sends MJPEG of something that moves, and an RTSP camera where this machine
 * can play one. Every 20 s each is away for 5 s:
 *
 *     deno task bench:cameras [--seconds 120]
 *
 * It tells how many pictures came, how often the connection was made anew, how long after a camera's
 * return its first picture came, and what it saw. On loopback, on a temporary folder, ends by itself.
 */
import { parseArgs } from "node:util";
import sharp from "sharp";
import type { Camera, CameraStats } from "../../lib/model/camera.ts";
import { startFakeCamera } from "../helpers/fake_camera.ts";
import { hasRtsp, startRtspCamera } from "../helpers/rtsp_camera.ts";
import { type Server, startServer } from "../helpers/server.ts";

const FPS = 5;
const EVERY_MS = 20_000;
const AWAY_MS = 5_000;
const LOOK_MS = 100;
const SETTLE_MS = 1_000;
/** It starts in this time, so that the last return is seen whole. */
const AFTER_MS = 12_000;

/** Something that sends pictures, and can be away. */
type Played = {
  name: string;
  url: string;
  leave(): void | Promise<void>;
  comeBack(): void | Promise<void>;
  end(): Promise<void>;
};

/** What was seen of a camera. */
type Course = {
  id: string;
  away: number;
  slowestReturnMs: number;
  /** Seconds that it was there. */
  present: number;
  stats: CameraStats;
};

if (import.meta.main) await main();

async function main() {
  const { values } = parseArgs({ options: { seconds: { type: "string", default: "120" } } });
  const seconds = Number(values.seconds);
  const dataDir = await Deno.makeTempDir({ prefix: "imago-bench-" });
  const server = await startServer({
    dataDir,
    env: { FETCH_ALLOWED_NETS: "127.0.0.1/32" },
  });
  const played = await play();
  try {
    const before = await residentBytes(server.pid);
    const until = Date.now() + seconds * 1000;
    const courses = await Promise.all(
      played.map((camera, at) => follow(server, camera, until, at * 2_000)),
    );
    for (const [at, course] of courses.entries()) show(played[at]!.name, course, seconds);
    const after = await residentBytes(server.pid);
    say(`server: ${megabytes(before)} MB at the start, ${megabytes(after)} MB at the end`);
  } finally {
    await server.kill("SIGTERM");
    await Promise.all(played.map((camera) => camera.end()));
    await Deno.remove(dataDir, { recursive: true });
  }
}

async function play(): Promise<Played[]> {
  const scenes = await Promise.all([null, 20, 120, 220, 320, 420].map(scene));
  const [still, ...moving] = scenes as [Uint8Array<ArrayBuffer>, ...Uint8Array<ArrayBuffer>[]];
  let shown = 0;
  const played = [
    overHttp("HTTP snapshots, still", "/shot.jpg", () => still),
    overHttp("MJPEG, moving", "/video", () => moving[Math.floor(shown++ / 20) % moving.length]!),
  ];
  if (hasRtsp) played.push(await overRtsp());
  else say("no RTSP camera: needs ffmpeg and gst-rtsp-server (tests/services.sh)");
  return played;
}

function overHttp(name: string, path: string, picture: () => Uint8Array<ArrayBuffer>): Played {
  const fake = startFakeCamera(picture, 1000 / 20);
  return {
    name,
    url: fake.base + path,
    leave: () => fake.fail(),
    comeBack: () => fake.recover(),
    end: () => fake[Symbol.asyncDispose](),
  };
}

async function overRtsp(): Promise<Played> {
  let camera = await startRtspCamera();
  const { url, port } = camera;
  return {
    name: "RTSP, moving",
    url,
    leave: () => camera[Symbol.asyncDispose](),
    comeBack: async () => void (camera = await startRtspCamera(port)),
    end: () => camera[Symbol.asyncDispose](),
  };
}

/** Adds and starts a camera, and takes it away again and again until `until` (ms since 1970). */
async function follow(
  server: Server,
  played: Played,
  until: number,
  offsetMs: number,
): Promise<Course> {
  const camera = { name: played.name, url: played.url, fps: FPS };
  const { id }: Camera = await (await post(server, "/api/cameras", camera)).json();
  await post(server, `/api/cameras/${id}/start`);
  await statusIs(server, id, "active");
  const began = Date.now();
  let [away, slowestReturnMs, gone] = [0, 0, 0];
  await pause(offsetMs);
  while (Date.now() + EVERY_MS + AFTER_MS < until) {
    await pause(EVERY_MS - AWAY_MS);
    const left = Date.now();
    await played.leave();
    await statusIs(server, id, "error");
    await pause(Math.max(0, left + AWAY_MS - Date.now()));
    await played.comeBack();
    const back = Date.now();
    await statusIs(server, id, "active");
    slowestReturnMs = Math.max(slowestReturnMs, Date.now() - back);
    gone += Date.now() - left;
    away++;
  }
  await pause(until - Date.now());
  const present = (Date.now() - began - gone) / 1000;
  // Figures are some seconds old; the last ones are written when it stops.
  await post(server, `/api/cameras/${id}/stop`);
  await pause(SETTLE_MS);
  return { id, away, slowestReturnMs, present, stats: await statsOf(server, id) };
}

function show(name: string, course: Course, seconds: number) {
  const { stats } = course;
  const share = stats.frames / (course.present * FPS) * 100;
  say(
    `${name}: ${stats.frames} pictures in ${seconds} s (${
      share.toFixed(0)
    } % of those wanted while ` +
      `it was there), ${course.away} times away and ${stats.errors} failed connections, back ` +
      `${course.slowestReturnMs} ms at most after it returned, ${stats.events} events`,
  );
}

async function statsOf(server: Server, id: string): Promise<CameraStats> {
  return await (await server.request(`/api/cameras/${id}/stats`)).json();
}

async function statusIs(server: Server, id: string, status: Camera["status"]): Promise<void> {
  for (;;) {
    const camera: Camera = await (await server.request(`/api/cameras/${id}`)).json();
    if (camera.status === status) return;
    await pause(LOOK_MS);
  }
}

async function post(server: Server, path: string, body: unknown = {}): Promise<Response> {
  const answer = await server.request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer;
}

/** A room of 640 × 360 px, where something stands `at` so many pixels from the left, or nothing. */
async function scene(at: number | null): Promise<Uint8Array<ArrayBuffer>> {
  const background = { r: 70, g: 80, b: 90 };
  const room = sharp({ create: { width: 640, height: 360, channels: 3, background } });
  const thing = { create: { width: 60, height: 140, channels: 3, background: "#e8d8c0" } } as const;
  const placed = at === null ? room : room.composite([{ input: thing, left: at, top: 180 }]);
  return new Uint8Array(await placed.jpeg({ quality: 85 }).toBuffer());
}

async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function say(line: string): void {
  // deno-lint-ignore no-console -- its output is its purpose
  console.log(line);
}

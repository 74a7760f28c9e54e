import assert from "node:assert/strict";
import { startFakeAi } from "./fake_ai.ts";
import { startFakeCamera } from "./fake_camera.ts";
import type { Server } from "./server.ts";

const FIXTURES = new URL("../fixtures/", import.meta.url);
const PHOTOS = ["camera.jpg", "pets/cat.jpg", "pets/coffee.jpg", "ocr/french.jpg", "plain.png"];
/** The last photos' descriptions fail. */
const FAILING = 2;
const DEADLINE_MS = 30_000;

/** What the camera at the gate looks for. */
const SEEING = {
  motion: {
    enabled: true,
    min_area: 0.01,
    cooldown_s: 60,
    zones: [{ name: "path", x: 0.1, y: 0.2, width: 0.4, height: 0.6 }],
  },
  keep_every_s: 600,
  rules: [{
    ...{ labels: ["person", "dog"], zone: "path", min_confidence: 0.5 },
    ...{ type: "intrusion", severity: "high" },
  }],
};

/** What a furnished program needs around it: an AI, a camera that works, and one that does not. */
export function startSurroundings() {
  const cat = Deno.readFileSync(new URL("pets/cat.jpg", FIXTURES));
  const ai = startFakeAi();
  const camera = startFakeCamera(() => cat, 200);
  return {
    ai,
    camera,
    env: {
      AI_PROVIDER: "openai",
      OPENAI_BASE_URL: ai.openaiBaseUrl,
      OPENAI_API_KEY: "fake",
      WORKER_MAX_TRIES: "1",
      FETCH_ALLOWED_NETS: "127.0.0.0/8",
    },
    async [Symbol.asyncDispose]() {
      await ai.close();
      await camera[Symbol.asyncDispose]();
    },
  };
}

export type Surroundings = ReturnType<typeof startSurroundings>;

/** Ids for the screens of one thing, by the screen's name. */
export type Furniture = { image: string; draft: string; camera: string };

/** Gives every screen of the console something to show, of every state that it knows. */
export async function furnish(server: Server, { ai, camera }: Surroundings): Promise<Furniture> {
  const images: string[] = [];
  for (const [place, name] of PHOTOS.entries()) {
    if (place === PHOTOS.length - FAILING) {
      await server.settle();
      ai.setMode("500");
    }
    const bytes = await Deno.readFile(new URL(name, FIXTURES));
    const { id } = await (await server.upload(bytes, name.split("/").at(-1))).json();
    images.push(id);
  }
  await server.settle();
  ai.setMode("ok");
  const draft = await makeDraft(server);
  const gate = await addCamera(server, "Gate", `${camera.base}/video`, true);
  await change(server, `/api/cameras/${gate}`, SEEING);
  await addCamera(server, "Yard, behind the long shed", "http://127.0.0.1:9/shot.jpg", true);
  await addCamera(server, "Cellar", "rtsp://viewer:secret@127.0.0.1:9/stream1", false);
  await tellEvents(server, gate, images);
  await predict(server);
  await post(server, "/webhooks", { url: `${camera.base}/hook`, types: ["image.*"] });
  await post(server, "/api/users", {
    username: "marie",
    password: "a long pass phrase",
    scopes: ["images:read", "events:read"],
  });
  await post(server, "/auth/keys", { name: "for the shop", scopes: ["images:read"] });
  return { image: images[0]!, draft, camera: gate };
}

async function makeDraft(server: Server): Promise<string> {
  const body = new FormData();
  body.append("title", "Blue coat");
  for (const name of ["camera.jpg", "pets/coffee.jpg"]) {
    const bytes = await Deno.readFile(new URL(name, FIXTURES));
    body.append("files", new File([bytes], name, { type: "image/jpeg" }));
  }
  const answer = await server.request("/api/v1/ingest/upload", { method: "POST", body });
  assert.equal(answer.status, 201);
  return (await answer.json()).id;
}

async function addCamera(server: Server, name: string, url: string, started: boolean) {
  const { id } = await post(server, "/api/cameras", { name, url, location: "Farm", fps: 5 });
  if (!started) return id;
  await post(server, `/api/cameras/${id}/start`);
  for (const until = Date.now() + DEADLINE_MS; Date.now() < until;) {
    const { status } = await (await server.request(`/api/cameras/${id}`)).json();
    if (status !== "connecting") return id;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the camera ${name} is still connecting:\n${server.log.join("\n")}`);
}

async function tellEvents(server: Server, camera_id: string, [first, second]: string[]) {
  const box = { x: 0.2, y: 0.1, width: 0.5, height: 0.6 };
  await post(server, "/api/events", { type: "other", severity: "low", description: "A delivery" });
  const seen = { camera_id, type: "person", severity: "medium", image_id: second, box };
  const { id } = await post(server, "/api/events", { ...seen, confidence: 0.83 });
  await post(server, `/api/events/${id}/acknowledge`);
  const now = { type: "intrusion", severity: "critical", description: "Someone climbs the gate" };
  await post(server, "/api/events", { ...now, camera_id, image_id: first, box, confidence: 0.97 });
}

async function predict(server: Server) {
  const body = new FormData();
  const bytes = await Deno.readFile(new URL("pets/cat.jpg", FIXTURES));
  body.append("file", new File([bytes], "cat.jpg", { type: "image/jpeg" }));
  const answer = await server.request("/api/predict", { method: "POST", body });
  assert.equal(answer.status, 200, await answer.text());
}

const post = (server: Server, path: string, body?: unknown) => send(server, "POST", path, body);
const change = (server: Server, path: string, body: unknown) => send(server, "PUT", path, body);

async function send(server: Server, method: string, path: string, body: unknown) {
  const answer = await server.request(path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${text}`);
  return JSON.parse(text);
}

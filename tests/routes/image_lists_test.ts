import assert from "node:assert/strict";
import sharp from "sharp";
import type { z } from "zod";
import type { ImageSummary, SimilarImage } from "../../lib/model/image.ts";
import { defineStep, Discard, type Step } from "../../pipeline/step.ts";
import { rank, seeded, word } from "../helpers/album.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { png } from "../helpers/pictures.ts";
import { recountSearch } from "../helpers/recount_search.ts";

Deno.test("GET /images narrows the list by each filter, and by all together", async () => {
  await using app = await startApp({ steps: [teach("exif"), teach("ocr"), teach("vision")] });
  await app.upload(png(8, 8, 1), "Beach 1.png");
  await app.clock.advance(60_000);
  const between = new Date(app.clock.now() - 30_000).toISOString();
  await app.upload(png(8, 8, 2), "beach 2.png");
  await app.drain();
  await app.worker.stop();
  await app.upload(png(8, 8, 3), "Été.png");
  const cases: [query: string, names: string[]][] = [
    ["", ["Été.png", "beach 2.png", "Beach 1.png"]],
    ["status=pending", ["Été.png"]],
    ["status=done", ["beach 2.png", "Beach 1.png"]],
    ["tag=Caf%C3%A9", ["beach 2.png", "Beach 1.png"]],
    ["tag=cafe", []],
    ["text=CAFE+open", ["beach 2.png", "Beach 1.png"]],
    ["text=ete", ["Été.png"]],
    ["text=caf%C3%A9+2", ["beach 2.png"]],
    ["text=caf%C3%A9+nowhere", []],
    ["has_gps=true", ["beach 2.png", "Beach 1.png"]],
    ["has_gps=false", ["Été.png"]],
    ["has_text=1&has_gps=true", ["beach 2.png", "Beach 1.png"]],
    ["camera=canon", ["beach 2.png", "Beach 1.png"]],
    ["camera=EOS+R5", ["beach 2.png", "Beach 1.png"]],
    ["camera=nikon", []],
    [`camera_id=${crypto.randomUUID()}`, []],
    [`from=${between}`, ["Été.png", "beach 2.png"]],
    [`to=${between}`, ["Beach 1.png"]],
    [`from=${between}&to=${between}`, []],
    ["from=2999-01-01&to=1970-01-01", []],
    ["from=1970-01-01&to=2999-12-31&has_gps=true", ["beach 2.png", "Beach 1.png"]],
    ["original_name=bea", ["beach 2.png", "Beach 1.png"]],
    ["original_name=BEACH%202", ["beach 2.png"]],
    ["original_name=%C3%89t%C3%A9", ["Été.png"]],
    ["text=beach&status=done&tag=caf%C3%A9&camera=canon&original_name=beach+1", ["Beach 1.png"]],
  ];
  for (const [query, names] of cases) assert.deepEqual(await list(app, query), names, query);
  const other = await app.asTenant();
  assert.deepEqual((await (await other.request("/images?text=cafe")).json()).items, []);
});

Deno.test("GET /images refuses filters that mean nothing", async () => {
  await using app = await startApp({ steps: [] });
  const x = "x".repeat(300);
  const queries = [
    ...["status=gone", "status=", "status=done&status=failed", "has_gps=maybe", "has_text="],
    ...["camera_id=1", "from=yesterday", "to=2026-02-30", "from=2026-01-01T00:00:00", "from=1e400"],
    ...[
      `tag=${x}`,
      "tag=",
      `text=${x}`,
      "text=",
      "text=!!!",
      "text=a&text=b",
      "tag[]=a&tag=b&tag=c",
    ],
    ...[
      `camera=${x}`,
      "camera=",
      `original_name=${x}`,
      "original_name=",
      "text=a+b+c+d+e+f+g+h+i+j+k",
    ],
  ];
  for (const query of queries) {
    const response = await app.request(`/images?${query}`);
    assert.equal(response.status, 422, query);
    assert.ok((await response.json()).errors.length, query);
  }
  for (const tag of ["__proto__", "constructor", "a%00b", "%ED%A0%80", "%E2%80%AE"]) {
    assert.equal((await app.request(`/images?tag=${tag}&text=${tag}x`)).status, 200, tag);
  }
});

Deno.test("GET /images binds a cursor to the filters of its list", async () => {
  await using app = await startApp({ steps: [] });
  for (let i = 0; i < 3; i++) await app.upload(png(8, 8, i), `a${i}.png`);
  const path = "/images?limit=1&status=pending&text=png";
  const { next_cursor } = await (await app.request(path)).json();
  const at = (query: string) => app.request(`/images?${query}&cursor=${next_cursor}`);
  assert.equal((await at("text=png&limit=2&status=pending")).status, 200);
  for (const query of ["", "status=pending", "status=done&text=png", "status=pending&text=jpg"]) {
    assert.equal((await at(query)).status, 400, query);
  }
});

Deno.test("GET /images/tags/all counts the tags, through reprocessing and deleting", async () => {
  let tags = ["café", "sea"];
  await using app = await startApp({ steps: [teach("vision", () => tags)] });
  const all = async () => (await (await app.request("/images/tags/all")).json()).tags;
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push((await (await app.upload(png(8, 8, i))).json()).id);
  assert.deepEqual(await all(), []);
  await app.drain();
  assert.deepEqual(await all(), [{ tag: "café", count: 3 }, { tag: "sea", count: 3 }]);
  tags = ["sea", "__proto__"];
  const json = { "Content-Type": "application/json" };
  await app.request(`/images/${ids[0]}/reprocess`, { method: "POST", headers: json, body: "{}" });
  await app.drain();
  await app.request(`/images/${ids[1]}`, { method: "DELETE" });
  assert.deepEqual(await all(), [
    { tag: "sea", count: 2 },
    { tag: "__proto__", count: 1 },
    { tag: "café", count: 1 },
  ]);
  const other = await app.asTenant();
  assert.deepEqual(await (await other.request("/images/tags/all")).json(), { tags: [] });
});

Deno.test("POST /images/batch does to each what it may, and tells of each", async () => {
  await using app = await startApp({ steps: [teach("vision")] });
  const other = await app.asTenant();
  const upload = async (key?: string) => (await (await app.upload(png(), "a.png", key)).json()).id;
  const [mine, second, foreign] = [await upload(), await upload(), await upload(other.key)];
  const unknown = crypto.randomUUID();
  await app.drain();
  await app.worker.stop();
  const late = await upload();
  const batch = async (action: string, ids: unknown, request = app.request) => {
    const response = await request("/images/batch", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ids, action }),
    });
    const { results = [] } = await response.json();
    const told: [string, number][] = results.map((item: { id: string; status: number }) => [
      item.id,
      item.status,
    ]);
    return { status: response.status, told };
  };
  assert.deepEqual(await batch("reprocess", [mine, foreign, unknown, late]), {
    status: 200,
    told: [[mine, 202], [foreign, 404], [unknown, 404], [late, 409]],
  });
  assert.deepEqual(await batch("delete", [mine, mine, foreign]), {
    status: 200,
    told: [[mine, 204], [mine, 404], [foreign, 404]],
  });
  assert.equal((await other.request(`/images/${foreign}`)).status, 200, "nothing happened to it");
  for (const ids of [[], "x", [1], ["x"], Array(101).fill(unknown)]) {
    assert.equal((await batch("delete", ids)).status, 422);
  }
  assert.equal((await batch("publish", [second])).status, 422);
  for (
    const [scope, done, refused] of [
      ["images:write", "reprocess", "delete"],
      ["images:delete", "delete", "reprocess"],
    ] as const
  ) {
    const { request } = await app.asTenant({ scopes: [scope] });
    const status = async (action: string) =>
      (await batch(action, [second], (path, init) => request(path, init))).status;
    assert.deepEqual([await status(done), await status(refused)], [200, 403], scope);
  }
});

Deno.test("index and tags stay true through uploads, steps, reprocessing and deletes", async () => {
  const random = seeded(11);
  const some = () => Array.from({ length: 3 }, () => word(rank(random, 30)));
  const flaky = defineStep({
    name: "flaky",
    timeoutMs: 1_000,
    run: () => random() < 0.5 ? Promise.reject(new Discard("no", "No")) : Promise.resolve({}),
  });
  const steps = [teach("exif"), teach("ocr", some), teach("vision", some), flaky];
  await using app = await startApp({ steps });
  const { images, db } = app.services;
  const ids: string[] = [];
  for (let round = 0; round < 15; round++) {
    for (let i = 0; i < 3; i++) {
      ids.push((await (await app.upload(png(8, 8, ids.length))).json()).id);
    }
    const [gone] = ids.splice(Math.floor(random() * ids.length), 1);
    await images.remove(app.tenant.id, gone!);
    const again = ids[Math.floor(random() * ids.length)]!;
    const { done_at } = await images.get(app.tenant.id, again);
    if (done_at) {
      await images.reprocess(app.tenant, again, [["ocr"], ["vision"], undefined][round % 3]);
    }
    await app.drain();
    assert.deepEqual(await recountSearch(db), []);
  }
});

/** A step that teaches what a picture of a café by the sea would. */
function teach(name: "exif" | "ocr" | "vision", words = () => ["café", "sea"]): Step {
  const camera = { make: "Canon", model: "Canon EOS R5", lens: null, iso: null, aperture: null };
  const rest = { shutter_speed: null, focal_length: null, taken_at: null, taken_at_offset: null };
  const gps = { latitude: 1, longitude: 2, altitude: null, has_gps: true, maps_url: null };
  const learned = {
    exif: () => ({ exif: { camera: { ...camera, ...rest }, gps, orientation: 1 } }),
    ocr: () => ({
      ocr: { has_text: true, text: `Open: ${words()}`, language: null, confidence: 1 },
    }),
    vision: () => ({
      ai: { description: "", tags: words(), confidence: 1, model_used: "none" },
    }),
  };
  return defineStep({ name, timeoutMs: 1_000, run: () => Promise.resolve(learned[name]()) });
}

/** The names in a list. */
const list = async (app: TestApp, query: string) => {
  const response = await app.request(`/images?${query}`);
  assert.equal(response.status, 200, await response.clone().text());
  const { items } = await response.json();
  return items.map(({ original_name }: ImageSummary) => original_name);
};

Deno.test("GET /images/{id}/similar finds copies in other sizes and qualities, of the tenant alone", async () => {
  await using app = await startApp();
  const other = await app.asTenant();
  const [camera, plain, ...smaller] = await Promise.all([
    ...[Deno.readFile(fixture("camera.jpg")), Deno.readFile(fixture("plain.jpg"))],
    ...[48, 80].map(async (width) =>
      new Uint8Array(
        await sharp(fixture("plain.jpg").pathname).resize(width).jpeg({ quality: 50 }).toBuffer(),
      )
    ),
  ]);
  const { id } = await (await app.upload(plain!)).json();
  assert.deepEqual(await similar(app, id), [], "not yet decoded");
  await app.upload(png(96, 64), "nothing.png");
  for (const bytes of smaller) await app.upload(bytes, "smaller.jpg");
  await app.upload(camera!, "camera.jpg");
  await app.upload(plain!, "copy.jpg");
  await app.upload(plain!, "theirs.jpg", other.key);
  await app.drain();
  const found = await similar(app, id);
  assert.equal(found[0]?.original_name, "copy.jpg");
  assert.equal(found[0]?.distance, 0);
  const names = found.map(({ original_name }) => original_name);
  assert.deepEqual(names.filter((name) => name === "smaller.jpg").length, 2);
  assert.ok(!names.includes("nothing.png") && !names.includes("theirs.jpg"));
  assert.equal((await other.request(`/images/${id}/similar`)).status, 404);
  assert.deepEqual(await recountSearch(app.services.db), []);
});

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url);

async function similar({ request }: Pick<TestApp, "request">, id: string) {
  const answer = await request(`/images/${id}/similar`);
  const { items }: { items: z.infer<typeof SimilarImage>[] } = await answer.json();
  return items;
}

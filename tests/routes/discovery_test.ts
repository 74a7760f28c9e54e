import assert from "node:assert/strict";
import { Problem } from "../../lib/errors.ts";
import { createDiscovery } from "../../lib/discovery/discovery.ts";
import type { DiscoveredCamera } from "../../lib/model/discovery.ts";
import { startApp, type TestApp } from "../helpers/app.ts";
import { createManualClock } from "../helpers/clock.ts";
import { probeMatch, startDevice } from "../helpers/onvif.ts";

const LOCAL = { FETCH_ALLOWED_NETS: "127.0.0.1/32" };

async function discover(
  { request }: Pick<TestApp, "request">,
  timeout_s = 0.5,
): Promise<DiscoveredCamera[]> {
  const answer = await request("/api/cameras/discover", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ timeout_s }),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return (await answer.json()).items;
}

const addCamera = ({ request }: TestApp) =>
  request("/api/cameras", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "Gate", url: "http://127.0.0.1/shot.jpg" }),
  });

Deno.test("POST /api/cameras/discover tells who answered, each once, and who is known", async () => {
  using device = await startDevice((id) => [probeMatch(id), probeMatch(id), "rubbish"]);
  await using app = await startApp({ env: LOCAL, discovery: createDiscovery(device) });
  const found = {
    name: "Gate",
    hardware: "IPC-1",
    location: "yard",
    addresses: ["127.0.0.1"],
    xaddrs: ["http://127.0.0.1/onvif"],
  };
  assert.deepEqual(await discover(app), [{ ...found, known: false, allowed: true }]);
  assert.equal(device.asked.length, 2, "asked twice, for UDP loses");
  await addCamera(app);
  assert.deepEqual(await discover(app), [{ ...found, known: true, allowed: true }]);
});

Deno.test("what may not be added is told the first tenant alone", async () => {
  using device = await startDevice((id) => [probeMatch(id)]);
  await using app = await startApp({ discovery: createDiscovery(device) });
  assert.deepEqual((await discover(app)).map(({ allowed }) => allowed), [false]);
  assert.deepEqual(await discover(await app.asTenant()), []);
});

Deno.test("who asks while a question is out shares its answers", async () => {
  using device = await startDevice((id) => [probeMatch(id)]);
  await using app = await startApp({ env: LOCAL, discovery: createDiscovery(device) });
  const all = await Promise.all([1, 2, 3].map(() => discover(app)));
  assert.deepEqual(all.map(({ length }) => length), [1, 1, 1]);
  assert.equal(new Set(device.asked).size, 1);
});

Deno.test("who asks within five seconds is told what was heard, and later what is there then", async () => {
  let name = "Gate";
  using device = await startDevice((id) => [probeMatch(id, { name })]);
  const clock = createManualClock();
  const discovery = createDiscovery({ ...device, clock });
  await using app = await startApp({ env: LOCAL, discovery });
  const names = async () => (await discover(app)).map(({ name }) => name);
  assert.deepEqual(await names(), ["Gate"]);
  name = "Door";
  await clock.advance(4_999);
  assert.deepEqual(await names(), ["Gate"]);
  await clock.advance(1);
  assert.deepEqual(await names(), ["Door"]);
});

Deno.test("a child that does not end in its time is killed, and nothing of it is kept", async () => {
  using device = await startDevice((id) => [probeMatch(id)]);
  const discovery = createDiscovery({ to: device.to, spareMs: -9_000 });
  const refusal = (error: unknown) => error instanceof Problem && error.code === "unavailable";
  await assert.rejects(discovery.find(10_000), refusal);
  await assert.rejects(discovery.find(10_000), refusal);
  await discovery.close();
});

Deno.test("a flood of answers is bounded, and silence is an empty list", async () => {
  using loud = await startDevice((id) =>
    Array.from({ length: 1_500 }, (_, at) => probeMatch(id, { endpoint: `urn:uuid:${at}` }))
  );
  await using app = await startApp({ env: LOCAL, discovery: createDiscovery(loud) });
  const { length } = await discover(app, 1);
  assert.ok(length > 0 && length <= 256, `${length} devices`);
  using silent = await startDevice(() => []);
  await using other = await startApp({ env: LOCAL, discovery: createDiscovery(silent) });
  assert.deepEqual(await discover(other), []);
});

Deno.test("POST /api/cameras/discover needs no body, and refuses another time than it may take", async () => {
  using device = await startDevice((id) => [probeMatch(id)]);
  await using app = await startApp({ env: LOCAL, discovery: createDiscovery(device) });
  const answer = await app.request("/api/cameras/discover", { method: "POST" });
  assert.equal((await answer.json()).items.length, 1);
  const long = await app.request("/api/cameras/discover", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ timeout_s: 60 }),
  });
  assert.equal(long.status, 422);
});

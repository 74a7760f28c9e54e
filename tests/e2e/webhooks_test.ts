import assert from "node:assert/strict";
import { startReceiver } from "../helpers/receiver.ts";
import { type Server, startServer } from "../helpers/server.ts";
import { eventually } from "./eventually.ts";
import { makeHome } from "./home.ts";

const LIVES = 4;
const EVENTS_A_LIFE = 25;

Deno.test("every event that was acknowledged is told to its webhook, however often the process is killed", async () => {
  await using home = await makeHome();
  const { dataDir } = home;
  let calls = 0;
  // Every third answer is a failure: some deliveries always wait for their next attempt.
  await using receiver = startReceiver(() =>
    new Response(null, { status: ++calls % 3 === 0 ? 503 : 204, headers: { "Retry-After": "0" } })
  );
  const options = { dataDir, env: { FETCH_ALLOWED_NETS: "127.0.0.1/32" } };
  const acknowledged: string[] = [];
  for (let life = 0; life < LIVES; life++) {
    await using server = await startServer(options);
    if (life === 0) await subscribe(server, receiver.url);
    // The last ones are under way when it dies.
    const events = Array.from({ length: EVENTS_A_LIFE }, () => tell(server));
    acknowledged.push(...await Promise.all(events));
    await server.kill();
  }
  await using server = await startServer(options);
  const told = () =>
    new Set(receiver.received.map(({ body }) => JSON.parse(body).data.id as string));
  await eventually(() => new Set(acknowledged).isSubsetOf(told()));
  assert.equal(acknowledged.length, LIVES * EVENTS_A_LIFE);

  const bodies = new Map<string, string>();
  for (const { headers, body } of receiver.received) {
    const id = headers["webhook-id"]!;
    assert.equal(bodies.get(id) ?? body, body, "what is told again is the same, under its old id");
    bodies.set(id, body);
  }
  assert.equal(bodies.size, acknowledged.length, "one id an event");
  assert.equal((await server.kill("SIGTERM")).code, 0);
});

async function subscribe(server: Server, url: string): Promise<void> {
  const answer = await post(server, "/webhooks", { url, types: ["event.created"] });
  assert.equal(answer.status, 201, await answer.text());
}

async function tell(server: Server): Promise<string> {
  const answer = await post(server, "/api/events", { type: "motion" });
  assert.equal(answer.status, 201);
  return (await answer.json()).id;
}

function post(server: Server, path: string, body: unknown): Promise<Response> {
  return server.request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

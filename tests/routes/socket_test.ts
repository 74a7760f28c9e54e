import assert from "node:assert/strict";
import { NewEvent } from "../../lib/model/event.ts";
import { until } from "../helpers/clock.ts";
import { connectRaw, type LiveApp, makeEvent, startLive } from "../helpers/live.ts";
import { as, makeUser, signIn } from "../helpers/users.ts";

const FREE = { FETCH_ALLOWED_NETS: "203.0.113.0/24" };

async function addCamera(app: LiveApp, key?: string): Promise<string> {
  const response = await app.request("/api/cameras", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "Gate", url: "http://203.0.113.7/shot.jpg" }),
  }, key);
  assert.equal(response.status, 201, await response.clone().text());
  return (await response.json()).id;
}

type Request = (path: string, init?: RequestInit) => Response | Promise<Response>;

const ticketOf = async (request: Request): Promise<string> =>
  (await (await request("/api/auth/ws-ticket", { method: "POST" })).json()).ticket;

Deno.test("GET /ws is for WebSockets alone, and for our own pages and those of CORS_ORIGINS", async () => {
  await using app = await startLive({ env: { CORS_ORIGINS: "https://shop.example" } });
  const plain = await app.request("/ws");
  assert.deepEqual([plain.status, plain.headers.get("Upgrade")], [426, "websocket"]);
  const from = async (Origin: string) => {
    const client = app.connect({ headers: { "X-API-Key": app.key, Origin } });
    try {
      return (await client.next()).type;
    } catch {
      return "refused";
    }
  };
  assert.equal(await from("https://evil.example"), "refused");
  assert.equal(await from("null"), "refused");
  assert.equal(await from("https://shop.example"), "connected");
  assert.equal(await from(app.http), "connected");
  const raw = await connectRaw(app, { Origin: "https://evil.example" });
  await until(() => raw.heard().startsWith("HTTP/1.1 403 "));
  raw.close();
});

Deno.test("/ws knows who comes with a ticket, once", async () => {
  await using app = await startLive();
  const query = `?ticket=${await ticketOf(app.request)}`;
  const client = app.connect({ query, headers: {} });
  assert.equal((await client.next()).type, "connected");
  await assert.rejects(app.connect({ query, headers: {} }).next());
  const late = `?ticket=${await ticketOf(app.request)}`;
  await app.clock.advance(30_000);
  await assert.rejects(app.connect({ query: late, headers: {} }).next());
});

Deno.test("/ws knows who tells a key or an access token in the first message", async () => {
  await using app = await startLive();
  await makeUser(app, "marie", ["events:read"]);
  const { access_token } = await signIn(app);
  const first = [app.key, access_token].flatMap((token) => [
    { type: "auth", token },
    `Bearer ${token}`,
  ]);
  for (const message of first) {
    const client = app.connect({ headers: {} });
    client.socket.onopen = () => client.say(message);
    assert.equal((await client.next()).type, "connected");
  }
});

Deno.test("/ws sends away who is not known: with a wrong secret, another first message, or none in time", async () => {
  await using app = await startLive();
  const saying = async (message: unknown) => {
    const client = app.connect({ headers: {} });
    client.socket.onopen = () => client.say(message);
    const { type } = await client.next();
    return [type, (await client.closed).code];
  };
  assert.deepEqual(await saying({ type: "auth", token: `${app.key}x` }), ["error", 4401]);
  assert.deepEqual(await saying({ type: "subscribe", channels: ["events"] }), ["error", 4401]);
  assert.deepEqual(await saying("{"), ["error", 4401]);
  await until(() => app.services.sockets.count() === 0);
  const silent = app.connect({ headers: {} });
  await until(() => app.services.sockets.count() === 1);
  await app.clock.advance(10_000);
  assert.equal((await silent.closed).code, 4401);
});

Deno.test("/ws accepts no key in the address, and no wrong one in a header", async () => {
  await using app = await startLive();
  for (const query of [`?token=${app.key}`, `?api_key=${app.key}`, `?ticket=${app.key}`]) {
    await assert.rejects(app.connect({ query }).next());
  }
  await assert.rejects(app.connect({ headers: { "X-API-Key": "imago_wrong" } }).next());
});

Deno.test("guesses of a secret on /ws are counted by address", async () => {
  await using app = await startLive({ env: { RATE_LIMIT_PER_MINUTE: "2" } });
  const guess = async () => {
    const client = app.connect({ headers: {} });
    client.socket.onopen = () => client.say({ type: "auth", token: "imago_wrong" });
    return (await client.next()).code;
  };
  assert.deepEqual([await guess(), await guess(), await guess()], [
    "unauthorized",
    "unauthorized",
    "rate_limited",
  ]);
});

Deno.test("/ws answers ping, tells what is subscribed, and names the channel that it refuses", async () => {
  await using app = await startLive({ env: FREE });
  const other = await app.asTenant();
  const [mine, theirs] = [await addCamera(app), await addCamera(app, other.key)];
  const client = app.connect();
  await client.next();
  assert.deepEqual(await client.ask({ type: "ping" }), { type: "pong" });
  assert.equal(await client.ask("ping"), "pong");
  client.say({
    type: "subscribe",
    channels: ["events", `camera_${theirs}`, `camera_${mine}`, "camera_x", "all"],
  });
  const refused = [await client.next(), await client.next(), await client.next()];
  assert.deepEqual(refused.map(({ type, code, channel }) => [type, code, channel]), [
    ["error", "not_found", `camera_${theirs}`],
    ["error", "not_found", "camera_x"],
    ["error", "not_found", "all"],
  ]);
  assert.deepEqual(await client.next(), {
    type: "subscribed",
    channels: ["events", `camera_${mine}`],
  });
  assert.deepEqual(await client.ask({ type: "unsubscribe", channels: ["events", "none"] }), {
    type: "subscribed",
    channels: [`camera_${mine}`],
  });
});

Deno.test("each channel of /ws needs its scope", async () => {
  await using app = await startLive({ env: FREE });
  const camera = `camera_${await addCamera(app)}`;
  for (const [scope, may] of [["events:read", "events"], ["cameras:read", camera]] as const) {
    await makeUser(app, may.slice(0, 6), [scope]);
    const { access_token } = await signIn(app, may.slice(0, 6));
    const client = app.connect({ headers: { Authorization: `Bearer ${access_token}` } });
    await client.next();
    const { code } = await client.ask({ type: "subscribe", channels: ["events", camera] });
    assert.equal(code, "insufficient_scope");
    assert.deepEqual((await client.next()).channels, [may]);
  }
});

Deno.test("/ws tells what becomes of events, of one's own tenant alone", async () => {
  await using app = await startLive();
  const other = await app.asTenant();
  const client = app.connect();
  await client.next();
  await client.ask({ type: "subscribe", channels: ["events"] });
  await makeEvent(app, { type: "motion" }, other.key);
  const event = await makeEvent(app, { type: "fall" });
  const told = await client.next();
  assert.deepEqual([told.type, told.data], ["new_event", event]);
  const path = `/api/events/${event.id}`;
  await app.request(path, {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ notes: "seen" }),
  });
  await app.request(`${path}/acknowledge`, { method: "POST" });
  await app.request(path, { method: "DELETE" });
  const types = [await client.next(), await client.next(), await client.next()]
    .map(({ type, data }) => [type, data.id]);
  assert.deepEqual(types, [
    ["event_updated", event.id],
    ["event_acknowledged", event.id],
    ["event_deleted", event.id],
  ]);
});

Deno.test("/ws goes on behind the last event that was seen, and resets where that is not known", async () => {
  await using app = await startLive();
  const first = app.connect();
  await first.next();
  await first.ask({ type: "subscribe", channels: ["events"] });
  const events = [await makeEvent(app), await makeEvent(app), await makeEvent(app)];
  const { id: after } = await first.next();
  first.close();
  const again = app.connect();
  await again.next();
  await again.ask({ type: "subscribe", channels: ["events"], after });
  const missed = [await again.next(), await again.next()].map(({ data }) => data.id);
  assert.deepEqual(missed, events.slice(1).map(({ id }) => id));
  const lost = app.connect();
  await lost.next();
  await lost.ask({ type: "subscribe", channels: ["events"], after: crypto.randomUUID() });
  assert.equal((await lost.next()).type, "reset");
  await makeEvent(app);
  assert.equal((await lost.next()).type, "new_event");
});

Deno.test("/ws tells more events than a tail keeps in memory, each once and in order", async () => {
  await using app = await startLive();
  const client = app.connect();
  await client.next();
  await client.ask({ type: "subscribe", channels: ["events"] });
  const first = await makeEvent(app);
  const { id: after } = await client.next();
  const { db, events } = app.services;
  const ids: string[] = [first.id];
  for (let batch = 0; batch < 8; batch++) {
    await db.transact(async (tx) => {
      for (let i = 0; i < 50; i++) {
        const { id } = await events.add(tx, app.tenant.id, NewEvent.parse({ type: "fall" }));
        ids.push(id);
      }
    });
  }
  const again = app.connect();
  await again.next();
  await again.ask({ type: "subscribe", channels: ["events"], after });
  const seen: string[] = [];
  const reading = (async () => {
    while (seen.length < 400) seen.push((await again.next()).data.id);
  })();
  await until(async () => {
    await app.clock.advance(5);
    return seen.length === 400;
  });
  await reading;
  assert.deepEqual(seen, ids.slice(1));
});

Deno.test("/ws shows a camera's last picture at once and each newer one, of one's own cameras", async () => {
  await using app = await startLive({ env: FREE });
  const { frames } = app.services;
  const camera = await addCamera(app);
  frames.publish(app.tenant.id, camera, new Uint8Array([1, 2]));
  const client = app.connect();
  await client.next();
  await client.ask({ type: "subscribe", channels: [`camera_${camera}`] });
  const shown = async () => {
    const { type, camera_id, data } = await client.next();
    return [type, camera_id, data];
  };
  assert.deepEqual(await shown(), ["frame_update", camera, "AQI="]);
  frames.publish(app.tenant.id, camera, new Uint8Array([3]));
  assert.deepEqual(await shown(), ["frame_update", camera, "Aw=="]);
  await client.ask({ type: "unsubscribe", channels: [`camera_${camera}`] });
  frames.publish(app.tenant.id, camera, new Uint8Array([4]));
  assert.deepEqual(await client.ask({ type: "ping" }), { type: "pong" });
});

Deno.test("/ws tells that it is there each 30 s", async () => {
  await using app = await startLive();
  const client = app.connect();
  assert.equal((await client.next()).heartbeat_s, 30);
  await app.clock.advance(30_000);
  assert.equal((await client.next()).type, "heartbeat");
  await app.clock.advance(30_000);
  assert.equal((await client.next()).type, "heartbeat");
});

Deno.test("/ws ends with the session or key that it was opened with, at once", async () => {
  await using app = await startLive();
  await makeUser(app, "marie", ["events:read"]);
  const tokens = await signIn(app);
  const marie = app.connect({ query: `?ticket=${await ticketOf(as(app, tokens))}`, headers: {} });
  await marie.next();
  await as(app, tokens)("/api/auth/logout", { method: "POST" });
  assert.equal((await marie.closed).code, 4401);

  const fresh = await signIn(app);
  const expiring = app.connect({ headers: { Authorization: `Bearer ${fresh.access_token}` } });
  await expiring.next();
  await app.clock.advance(fresh.expires_in * 1000);
  assert.equal((await expiring.closed).code, 4401);

  const made = await app.request("/auth/keys", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "k", scopes: ["events:read"] }),
  });
  const { id, api_key } = await made.json();
  const byKey = app.connect({ headers: { "X-API-Key": api_key } });
  await byKey.next();
  await app.request(`/auth/keys/${id}`, { method: "DELETE" });
  assert.equal((await byKey.closed).code, 4401);
});

Deno.test("/ws takes a channel away with its scope", async () => {
  await using app = await startLive();
  const user = await makeUser(app, "marie", ["events:read", "images:read"]);
  const { access_token } = await signIn(app);
  const client = app.connect({ headers: { Authorization: `Bearer ${access_token}` } });
  await client.next();
  await client.ask({ type: "subscribe", channels: ["events"] });
  await app.request(`/api/users/${user.id}`, {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ scopes: ["images:read"] }),
  });
  const { code, channel } = await client.next();
  assert.deepEqual([code, channel], ["insufficient_scope", "events"]);
});

Deno.test("/ws closes with 1013 beyond WS_MAX_CONNECTIONS, and tells how many there are", async () => {
  await using app = await startLive({ env: { WS_MAX_CONNECTIONS: "2" } });
  const stranger = app.connect({ headers: {} });
  await until(() => app.services.sockets.count() === 1);
  const first = app.connect();
  await first.next();
  const second = app.connect();
  await second.next();
  assert.equal((await stranger.closed).code, 1013, "it makes room for somebody known");
  assert.equal((await app.connect().closed).code, 1013);
  assert.match(await (await app.request("/metrics")).text(), /^imago_websocket_connections 2$/m);
  first.close();
  await until(() => app.services.sockets.count() === 1);
  assert.equal((await app.connect().next()).type, "connected");
});

Deno.test("/ws closes with 1001 when Imago stops", async () => {
  await using app = await startLive();
  const client = app.connect();
  await client.next();
  app.services.sockets.close();
  assert.equal((await client.closed).code, 1001);
});

Deno.test("/ws says what is wrong with a message, and goes on", async () => {
  await using app = await startLive();
  const client = app.connect();
  await client.next();
  const many = Array.from({ length: 1_000 }, (_, i) => `camera_${i}`);
  const wrong: [unknown, string][] = [
    ["{", "invalid_request"],
    ["null", "invalid_content"],
    [{ type: "shout" }, "invalid_content"],
    [{ type: "subscribe" }, "invalid_content"],
    [{ type: "subscribe", channels: [] }, "invalid_content"],
    [{ type: "subscribe", channels: many }, "invalid_content"],
    [{ type: "subscribe", channels: ["x".repeat(101)] }, "invalid_content"],
    [{ type: "subscribe", channels: ["events"], after: "1" }, "invalid_content"],
    [{ type: "auth", token: "x" }, "conflict"],
  ];
  for (const [message, code] of wrong) assert.equal((await client.ask(message)).code, code);
  assert.deepEqual(await client.ask({ type: "ping" }), { type: "pong" });
});

Deno.test("/ws looks up no more channels than it can bear", async () => {
  await using app = await startLive();
  const client = app.connect();
  await client.next();
  const codes: string[] = [];
  for (let message = 0; message < 3; message++) {
    const channels = Array.from({ length: 100 }, () => `camera_${crypto.randomUUID()}`);
    let answer = await client.ask({ type: "subscribe", channels });
    for (; answer.type === "error"; answer = await client.next()) codes.push(answer.code);
  }
  assert.deepEqual([codes[199], codes[200]], ["not_found", "rate_limited"]);
});

Deno.test("/ws closes on bytes (1003), on what is too large (1009), on a flood (1008), on bad UTF-8", async () => {
  await using app = await startLive();
  const after = async (say: (client: ReturnType<LiveApp["connect"]>) => void) => {
    const client = app.connect();
    await client.next();
    say(client);
    return (await client.closed).code;
  };
  assert.equal(await after((client) => client.say(new Uint8Array(3))), 1003);
  assert.equal(await after((client) => client.say("x".repeat(65_537))), 1009);
  const flood = (count: number) => (client: ReturnType<LiveApp["connect"]>) => {
    for (let i = 0; i < count; i++) client.say("x");
  };
  assert.equal(await after(flood(61)), 1008);
  // Who goes on is cut off, and what was said to it may be lost with that.
  assert.ok([1008, 0].includes(await after(flood(100_000))));
  const raw = await connectRaw(app);
  await raw.frame(1, true, new Uint8Array([0xff, 0xfe]));
  await raw.over;
});

Deno.test("/ws cuts off who does not answer the goodbye, in the middle of a message too", async () => {
  await using app = await startLive();
  const { sockets } = app.services;
  const raw = await connectRaw(app);
  await until(() => sockets.count() === 1);
  await raw.frame(1, false, new Uint8Array(1_000_000));
  sockets.close();
  await until(() => raw.heard().includes("Imago is stopping"));
  await app.clock.advance(5_000);
  await raw.over;
  await until(() => sockets.count() === 0);
});

Deno.test("/ws cuts off a message that never ends, and leaves those in peace who answer", async () => {
  await using app = await startLive();
  const client = app.connect();
  await client.next();
  client.say({ type: "ping" });
  const said: string[] = [];
  const listening = (async () => {
    for (;;) {
      const { type } = await client.next();
      said.push(type);
      if (type === "ping") client.say({ type: "pong" });
    }
  })().catch(() => {});
  const raw = await connectRaw(app);
  await raw.frame(1, true, new TextEncoder().encode('{"type":"ping"}'));
  await raw.frame(1, false, new Uint8Array(1));
  const part = new Uint8Array(1_048_576);
  let isOver = false;
  void raw.over.then(() => isOver = true);
  const sending = (async () => {
    while (!isOver) {
      await raw.frame(0, false, part);
      await app.clock.advance(20);
    }
  })().catch(() => {});
  await Promise.all([raw.over, sending]);
  assert.equal(app.services.sockets.count(), 1);
  assert.ok(said.includes("ping"));
  client.close();
  await listening;
});

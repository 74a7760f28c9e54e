import assert from "node:assert/strict";
import { createConnection } from "../../../lib/live/connection.ts";
import { createTails } from "../../../lib/live/tails.ts";
import { startApp, type TestApp } from "../../helpers/app.ts";
import { until } from "../../helpers/clock.ts";
import { makeEvent, type Message } from "../../helpers/live.ts";

const FULL = 40_000;
const FREE = { env: { FETCH_ALLOWED_NETS: "203.0.113.0/24" } };

/** A WebSocket that takes as much as it is told to. */
function createSocket() {
  const sent: Message[] = [];
  const closed: { code: number; reason: string }[] = [];
  return {
    bufferedAmount: 0,
    sent,
    closed,
    send: (text: string) => void sent.push(JSON.parse(text)),
    close: (code: number, reason: string) => void closed.push({ code, reason }),
  };
}

async function connect(app: TestApp) {
  const { clock, feed, frames, cameras, principals } = app.services;
  const socket = createSocket();
  const principal = await principals.authenticate(app.key);
  assert.ok(principal?.kind === "tenant");
  const tails = createTails({ feed, clock });
  const connection = createConnection(
    { clock, tails, frames, cameras, renew: principals.renew },
    socket,
    { principal, authenticate: () => Promise.reject(new Error("it is known")) },
  );
  const hear = async (message: object, answers = 1) => {
    const before = socket.sent.length;
    connection.hear(JSON.stringify(message));
    await until(() => socket.sent.length >= before + answers);
    return socket.sent.at(-1);
  };
  const told = (type: string) => socket.sent.filter((message) => message.type === type);
  return { socket, connection, tails, hear, told };
}

Deno.test("a slow client misses pictures, and gets the newest of each camera when it reads on", async () => {
  await using app = await startApp(FREE);
  const { frames } = app.services;
  const added = await app.request("/api/cameras", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "Gate", url: "http://203.0.113.7/shot.jpg" }),
  });
  const { id } = await added.json();
  const { socket, connection, hear, told } = await connect(app);
  await hear({ type: "subscribe", channels: [`camera_${id}`] });
  socket.bufferedAmount = FULL;
  for (const byte of [1, 2, 3]) frames.publish(app.tenant.id, id, new Uint8Array([byte]));
  await app.clock.advance(1_000);
  assert.deepEqual(told("frame_update"), []);
  socket.bufferedAmount = 0;
  await app.clock.advance(200);
  assert.deepEqual(told("frame_update").map(({ data }) => data), ["Aw=="]);
  connection.end();
});

Deno.test("a slow client gets every event, no faster than it reads", async () => {
  await using app = await startApp();
  const { socket, connection, hear, told } = await connect(app);
  await hear({ type: "subscribe", channels: ["events"] });
  socket.bufferedAmount = FULL;
  const made = [await makeEvent(app), await makeEvent(app), await makeEvent(app)];
  await app.clock.advance(1_000);
  assert.deepEqual(told("new_event"), []);
  socket.bufferedAmount = 0;
  await app.clock.advance(200);
  await until(() => told("new_event").length === 3);
  assert.deepEqual(told("new_event").map(({ data }) => data.id), made.map(({ id }) => id));
  connection.end();
});

Deno.test("a client that takes nothing for a minute is closed", async () => {
  await using app = await startApp();
  const { socket, connection, hear } = await connect(app);
  await hear({ type: "ping" });
  socket.bufferedAmount = FULL;
  await app.clock.advance(30_000);
  await app.clock.advance(30_000);
  assert.equal(socket.closed.length, 0);
  await app.clock.advance(30_000);
  assert.deepEqual(socket.closed.map(({ code }) => code), [1008]);
  connection.end();
});

Deno.test("a client that takes little by little stays", async () => {
  await using app = await startApp();
  const { socket, connection } = await connect(app);
  socket.bufferedAmount = FULL;
  for (let beat = 0; beat < 6; beat++) {
    await app.clock.advance(30_000);
    socket.bufferedAmount -= 1_000;
  }
  assert.deepEqual(socket.closed, []);
  connection.end();
});

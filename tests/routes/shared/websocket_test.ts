import assert from "node:assert/strict";
import type { Socket } from "../../../lib/live/outbox.ts";
import { upgrade } from "../../../routes/shared/websocket.ts";
import { createManualClock } from "../../helpers/clock.ts";

const HANDSHAKE = [
  "GET /ws HTTP/1.1",
  "Host: 127.0.0.1",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
];

/** A server of WebSockets, and somebody who connects by hand. */
async function meet(idleTimeout: number) {
  const clock = createManualClock();
  const opened = Promise.withResolvers<Socket>();
  const ended = Promise.withResolvers<void>();
  const handlers = { open: opened.resolve, hear: () => {}, end: ended.resolve };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    (request) => upgrade(request, handlers, { clock, idleTimeout }),
  );
  const { hostname, port } = server.addr;
  const conn = await Deno.connect({ hostname, port });
  await conn.write(new TextEncoder().encode(`${HANDSHAKE.join("\r\n")}\r\n\r\n`));
  return { clock, conn, server, socket: await opened.promise, ended: ended.promise };
}

Deno.test("upgrade() drops who does not answer when it is asked", async () => {
  const { conn, server, ended } = await meet(1);
  await ended;
  conn.close();
  await server.shutdown();
});

Deno.test("upgrade() counts who takes nothing until the other end is gone", async () => {
  const { clock, conn, server, socket, ended } = await meet(60);
  for (let i = 0; i < 20; i++) socket.send("x".repeat(1_000_000));
  assert.ok(socket.bufferedAmount > 0);
  let isOver = false;
  void ended.then(() => isOver = true);
  socket.close(1008, "Too slow");
  // The goodbye is on its way before it is too late for it.
  await clock.advance(0);
  await clock.advance(5_000);
  assert.equal(isOver, false);
  conn.close();
  await ended;
  await server.shutdown();
});

Deno.test("upgrade() shortens a reason to what a goodbye can hold", async () => {
  const { clock, conn, server, socket, ended } = await meet(60);
  socket.close(1008, "é".repeat(200));
  await clock.advance(5_000);
  await ended;
  conn.close();
  await server.shutdown();
});

Deno.test("upgrade() cuts somebody who is on the way out sooner when it is told to", async () => {
  const { clock, conn, server, socket, ended } = await meet(60);
  socket.close(1008, "Too many messages");
  await clock.advance(0);
  socket.close(1013, "Memory is short", 100);
  socket.close(1013, "Memory is short", 200);
  await clock.advance(100);
  await ended;
  conn.close();
  await server.shutdown();
});

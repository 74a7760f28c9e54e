/**
 * The clients of `live.ts`, in a process of their own: `live_clients.ts ADDRESS KEY READERS SLOW`.
 * Opens so many WebSockets that follow events and read, and so many that stop reading. Says `ready`,
 * and what the readers have got each time that a line comes in.
 */
import { frame, handshake, write } from "./raw_socket.ts";

const [address = "", key = "", readers = "0", slow = "0"] = Deno.args;

const latencies: number[] = [];
const counts: number[] = [];
let closed = 0;

await inBatches(Number(readers), 50, openReader);
const held = await inBatches(Number(slow), 10, openSlow);
say({ ready: counts.length });
for await (const _ of Deno.stdin.readable) {
  say({ counts: [Math.min(...counts), Math.max(...counts)], closed, latencies, held: held.length });
}
Deno.exit(0);

/** Follows events; each tells in its description when it was sent. */
function openReader(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket: WebSocket = Reflect.construct(WebSocket, [address, {
    headers: { "X-API-Key": key },
  }]);
  const mine = counts.push(0) - 1;
  socket.onmessage = ({ data }) => {
    const now = performance.timeOrigin + performance.now();
    const message = JSON.parse(data);
    if (message.type === "connected") {
      socket.send(JSON.stringify({ type: "subscribe", channels: ["events"] }));
    } else if (message.type === "subscribed") resolve();
    else if (message.type === "ping") socket.send('{"type":"pong"}');
    else if (message.type === "new_event") {
      counts[mine]!++;
      latencies.push(now - parseFloat(message.data.description));
    }
  };
  socket.onerror = () => reject(new Error("a client could not connect"));
  socket.onclose = () => void closed++;
  return promise;
}

/** Follows events by a connection from which nothing is read. */
async function openSlow(): Promise<Deno.Conn> {
  const conn = await handshake(address, key);
  await write(conn, frame(1, true, '{"type":"subscribe","channels":["events"]}'));
  return conn;
}

async function inBatches<T>(count: number, size: number, open: () => Promise<T>): Promise<T[]> {
  const opened: T[] = [];
  while (opened.length < count) {
    const batch = Array.from({ length: Math.min(size, count - opened.length) }, open);
    opened.push(...await Promise.all(batch));
  }
  return opened;
}

function say(what: object) {
  // deno-lint-ignore no-console -- how it answers
  console.log(JSON.stringify(what));
}

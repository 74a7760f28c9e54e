import { startApp, type TestApp } from "./app.ts";

// deno-lint-ignore no-explicit-any -- what a server says is whatever it says
export type Message = any;

type Options = { query?: string; headers?: Record<string, string> };

/** The app on a port of its own, for what `app.request` cannot do. */
export async function startLive(options: Parameters<typeof startApp>[0] = {}) {
  const app = await startApp({ steps: [], ...options });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    app.app.fetch,
  );
  const { port } = server.addr;
  const clients = new Set<Client>();
  return {
    ...app,
    port,
    http: `http://127.0.0.1:${port}`,

    /** Connects, with the app's key as a header where nothing else is given. */
    connect({ query = "", headers }: Options = {}): Client {
      const address = `ws://127.0.0.1:${port}/ws${query}`;
      const client = createClient(address, headers ?? { "X-API-Key": app.key });
      clients.add(client);
      return client;
    },

    async [Symbol.asyncDispose]() {
      app.services.sockets.close();
      await Promise.all([...clients].map(({ closed }) => closed));
      await server.shutdown();
      await app[Symbol.asyncDispose]();
    },
  };
}

export type LiveApp = Awaited<ReturnType<typeof startLive>>;
export type Client = ReturnType<typeof createClient>;

/** A WebSocket whose messages are taken one by one. */
function createClient(address: string, headers: Record<string, string>) {
  // Deno sends headers, which the DOM's types do not know.
  const socket: WebSocket = Reflect.construct(WebSocket, [address, { headers }]);
  const messages: Message[] = [];
  let awaited = Promise.withResolvers<void>();
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.onclose = ({ code, reason }) => {
      awaited.resolve();
      resolve({ code, reason });
    };
  });
  socket.onmessage = ({ data }) => {
    messages.push(data === "pong" ? data : JSON.parse(data));
    awaited.resolve();
  };
  // That it could not connect is told by `closed`.
  socket.onerror = (event) => event.preventDefault();

  const next = async (): Promise<Message> => {
    while (messages.length === 0) {
      if (socket.readyState === WebSocket.CLOSED) throw new Error("closed: nothing comes any more");
      await awaited.promise;
      awaited = Promise.withResolvers();
    }
    return messages.shift();
  };

  return {
    socket,
    closed,

    /** The next message. Throws when none comes any more. */
    next,

    /** Says something; bytes and texts as they are. */
    say(message: Message) {
      if (message instanceof Uint8Array) return socket.send(message.slice());
      socket.send(typeof message === "string" ? message : JSON.stringify(message));
    },

    /** Says something and gives the answer. */
    async ask(message: Message): Promise<Message> {
      this.say(message);
      return await next();
    },

    close: () => socket.close(),
  };
}

/** Makes an event by the API. */
export async function makeEvent(app: TestApp, body: object = { type: "fall" }, key?: string) {
  const response = await app.request("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }, key);
  if (!response.ok) throw new Error(await response.text());
  return await response.json();
}

/** A WebSocket by hand, for what no client would send. */
export async function connectRaw({ port, key }: LiveApp, headers: Record<string, string> = {}) {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const lines = Object.entries({
    Host: `127.0.0.1:${port}`,
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "X-API-Key": key,
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  await write(conn, new TextEncoder().encode(`GET /ws HTTP/1.1\r\n${lines}\r\n`));
  let text = "";
  const listen = async () => {
    try {
      for await (const bytes of conn.readable) text += new TextDecoder("latin1").decode(bytes);
    } catch (error) {
      const { ConnectionReset, Interrupted } = Deno.errors;
      if (!(error instanceof ConnectionReset || error instanceof Interrupted)) throw error;
    }
  };
  const over = listen();
  return {
    frame: (opcode: number, final: boolean, payload: Uint8Array) =>
      write(conn, frame(opcode, final, payload)),

    /** What has come so far. */
    heard: () => text,

    /** Resolves when the other end has closed, gently or not. */
    over,

    /** Ends it without a goodbye. */
    close: () => conn.close(),
  };
}

async function write(conn: Deno.Conn, bytes: Uint8Array) {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** A client's frame, masked with zeros (RFC 6455, 5.2). */
function frame(opcode: number, final: boolean, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(14 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, (final ? 0x80 : 0) | opcode);
  view.setUint8(1, 0x80 | 127);
  view.setBigUint64(2, BigInt(payload.length));
  bytes.set(payload, 14);
  return bytes;
}

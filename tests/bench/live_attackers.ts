/**
 * Who means harm to `/ws`, in a process of their own: `live_attackers.ts KIND ADDRESS KEY MB_PER_S`.
 * Goes on, connecting again whenever it is thrown out, until its input ends.
 */
import { frame, handshake, write } from "./raw_socket.ts";

const [kind = "", address = "", key = "", rate = "100"] = Deno.args;
const CONNECTIONS = 10;
const PART = 65_536;
const FRAME = 17 << 20;

/** What one connection does, once it is there. */
const ATTACKS: Record<string, (conn: Deno.Conn) => Promise<void>> = {
  async none(conn) {
    while (await conn.read(new Uint8Array(1_024)) !== null);
  },
  async fragments(conn) {
    if (key) await write(conn, frame(1, true, '{"type":"ping"}'));
    await paced(conn, frame(1, false, PART));
    const part = frame(0, false, PART);
    const pong = frame(10, true, 0);
    for (;;) {
      await paced(conn, part);
      await write(conn, pong);
    }
  },
  async frames(conn) {
    for (const large = frame(2, true, FRAME);;) {
      for (let at = 0; at < large.length; at += PART) {
        await paced(conn, large.subarray(at, at + PART));
      }
    }
  },
  async tiny(conn) {
    const one = frame(1, true, "x");
    const many = new Uint8Array(100_000 * one.length).map((_, at) => one[at % one.length]!);
    await write(conn, many);
    await conn.read(new Uint8Array(1));
  },
  async open(conn) {
    while (await conn.read(new Uint8Array(1_024)) !== null);
  },
};

let allowed = performance.now();
const attack = ATTACKS[kind];
if (!attack) throw new Error(`There is no attack ${kind}: ${Object.keys(ATTACKS)}`);
const count = kind === "open" ? 5_000 : CONNECTIONS;
for (let i = 0; i < count; i++) {
  void goOn();
  if (i % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 20));
}
for await (const _ of Deno.stdin.readable);
Deno.exit(0);

async function goOn() {
  for (;;) {
    try {
      using conn = await handshake(address, key);
      await attack!(conn);
    } catch {
      // Thrown out: that is what it is here for.
    }
    await new Promise((resolve) => setTimeout(resolve, kind === "open" ? 1_000 : 10));
  }
}

/** Sends no more than so many MB a second, of all connections together. */
async function paced(conn: Deno.Conn, bytes: Uint8Array) {
  allowed = Math.max(allowed, performance.now()) + bytes.length / Number(rate) / 1_048.576;
  await write(conn, bytes);
  const wait = allowed - performance.now();
  if (wait > 2) await new Promise((resolve) => setTimeout(resolve, wait));
}

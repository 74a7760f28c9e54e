/**
 * Measures live events: how soon they are with everybody, and what those who do not read cost:
 *
 *     deno task bench:live [--sockets 1000] [--events 100] [--rate 10] [--slow 20] [--flood 5000]
 *
 * The clients are a process of their own. Each side needs a file for each socket: see `ulimit -n`.
 */
import { parseArgs } from "node:util";
import type { Server } from "../helpers/server.ts";
import { gauge } from "./client.ts";
import { endPrograms, startProgram } from "./program.ts";
import { quantile, type Row, showTable } from "./report.ts";

const PATIENCE_MS = 60_000;
/** Descriptions of the events in the flood: with them the buffers of the network are soon full. */
const LARGE = 1_900;

type Heard = { counts: [least: number, most: number]; closed: number; latencies: number[] };

if (import.meta.main) await main();

async function main() {
  const { values } = parseArgs({
    options: {
      sockets: { type: "string", default: "1000" },
      events: { type: "string", default: "100" },
      rate: { type: "string", default: "10" },
      slow: { type: "string", default: "20" },
      flood: { type: "string", default: "5000" },
    },
  });
  const [sockets, events, rate, slow, flood] = [
    values.sockets,
    values.events,
    values.rate,
    values.slow,
    values.flood,
  ].map(Number) as [number, number, number, number, number];
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => void endPrograms().then(() => Deno.exit(130)));
  }
  print(showTable(`${sockets} sockets, ${events} events`, await everybody(sockets, events, rate)));
  print(showTable(`${slow} do not read`, await besideSlowOnes(slow, flood)));
  Deno.exit(0);
}

/** All read: how long from sending an event to having it. */
async function everybody(sockets: number, events: number, rate: number): Promise<Row[]> {
  return await withServer(async (server) => {
    const before = await memory(server);
    await using clients = await startClients(server, sockets, 0);
    const open = await memory(server);
    for (let sent = 0; sent < events; sent++) {
      const due = new Promise((resolve) => setTimeout(resolve, 1_000 / rate));
      await makeEvent(server, 0);
      await due;
    }
    const heard = await clients.heard(events);
    return [
      { what: "events delivered", value: heard.latencies.length, unit: `of ${sockets * events}` },
      ...latenciesOf(heard),
      { what: "memory before", value: before, unit: "MiB" },
      { what: "memory, all connected", value: open, unit: "MiB" },
      { what: "memory after", value: await memory(server), unit: "MiB" },
    ];
  });
}

/** A few read, others have stopped: what comes fast, and how large the server grows. */
async function besideSlowOnes(slow: number, flood: number): Promise<Row[]> {
  return await withServer(async (server) => {
    const alone = await startClients(server, 20, 0);
    await floodWith(server, 500);
    const calm = await alone.heard(500);
    await alone[Symbol.asyncDispose]();
    await using clients = await startClients(server, 20, slow);
    const before = await memory(server);
    await floodWith(server, flood);
    const heard = await clients.heard(flood);
    const beside = (q: number) => ({
      what: "ms without them",
      value: quantile(calm.latencies, q) ?? NaN,
    });
    return [
      { what: "events delivered", value: heard.latencies.length, unit: `of ${20 * flood}` },
      ...latenciesOf(heard).map((row, at) => ({ ...row, yardstick: beside([0.5, 0.99][at]!) })),
      { what: "memory before", value: before, unit: "MiB" },
      { what: "memory after", value: await memory(server), unit: "MiB" },
      {
        what: "connections left",
        value: await gauge(server, "imago_websocket_connections"),
        unit: `of ${20 + slow}`,
      },
    ];
  });
}

function latenciesOf({ latencies }: Heard): Row[] {
  return [0.5, 0.99].map((q) => ({
    what: `from sending an event to having it, p${q * 100}`,
    value: quantile(latencies, q),
    unit: "ms",
  }));
}

async function withServer<T>(work: (server: Server) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "imago-bench-" });
  try {
    await using server = await startProgram(folder, { WS_MAX_CONNECTIONS: "100000" });
    return await work(server);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Events from four writers, one after the other. */
async function floodWith(server: Server, count: number) {
  let left = count;
  const writer = async () => {
    while (left-- > 0) await makeEvent(server, LARGE);
  };
  await Promise.all(Array.from({ length: 4 }, writer));
}

async function makeEvent(server: Server, padding: number) {
  const sent = performance.timeOrigin + performance.now();
  const answer = await server.request("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ type: "motion", description: `${sent} ${"x".repeat(padding)}` }),
  });
  if (answer.status !== 201) throw new Error(await answer.text());
  await answer.body?.cancel();
}

async function startClients({ base, key }: Server, readers: number, slow: number) {
  const address = `${base.replace("http", "ws")}/ws`;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-net",
      new URL("./live_clients.ts", import.meta.url).pathname,
      ...[address, key, String(readers), String(slow)],
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const lines = readLines(child.stdout);
  const stdin = child.stdin.getWriter();
  await lines.next();
  const ask = async (): Promise<Heard> => {
    await stdin.write(new Uint8Array([10]));
    return JSON.parse((await lines.next()).value ?? "null");
  };
  return {
    /** What the readers have, when each has `count` events, or none more comes. */
    async heard(count: number): Promise<Heard> {
      for (const until = Date.now() + PATIENCE_MS;;) {
        const heard = await ask();
        if (heard.counts[0] >= count || Date.now() > until) return heard;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    },

    async [Symbol.asyncDispose]() {
      await stdin.close();
      await child.status;
    },
  };
}

async function* readLines(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

async function memory(server: Server): Promise<number> {
  return await gauge(server, "process_resident_memory_bytes") / 1_048_576;
}

function print(text: string) {
  // deno-lint-ignore no-console -- its output is its purpose
  console.log(text);
}

/**
 * Measures live events: how soon they are with everybody, and what those who do not read cost:
 *
 *     deno task bench:live [--sockets 1000] [--events 100] [--rate 10] [--slow 20] [--flood 5000]
 *                          [--attack-rate 100]
 *
 * The clients are a process of their own. Each side needs a file for each socket: see `ulimit -n`.
 */
import { parseArgs } from "node:util";
import { gauge } from "./client.ts";
import { measureAttacks } from "./live_attacks.ts";
import {
  floodWith,
  type Heard,
  makeEvent,
  memory,
  startClients,
  withServer,
} from "./live_setup.ts";
import { endPrograms } from "./program.ts";
import { quantile, type Row, showTable } from "./report.ts";

if (import.meta.main) await main();

async function main() {
  const { values } = parseArgs({
    options: {
      sockets: { type: "string", default: "1000" },
      events: { type: "string", default: "100" },
      rate: { type: "string", default: "10" },
      slow: { type: "string", default: "20" },
      flood: { type: "string", default: "5000" },
      "attack-rate": { type: "string", default: "100" },
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
  print(
    showTable(
      `under attack, ${values["attack-rate"]} MB/s`,
      await measureAttacks(values["attack-rate"]),
    ),
  );
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

function print(text: string) {
  // deno-lint-ignore no-console -- its output is its purpose
  console.log(text);
}

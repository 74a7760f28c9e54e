import type { Server } from "../helpers/server.ts";
import { gauge } from "./client.ts";
import { startProgram } from "./program.ts";

const PATIENCE_MS = 60_000;
/** Descriptions of the events in the flood: with them the buffers of the network are soon full. */
const LARGE = 1_900;

/** What the readers have got. */
export type Heard = { counts: [least: number, most: number]; closed: number; latencies: number[] };

/** Runs `work` with the real program on an empty folder. */
export async function withServer<T>(
  work: (server: Server) => Promise<T>,
  WS_MAX_CONNECTIONS = "100000",
): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "imago-bench-" });
  try {
    await using server = await startProgram(folder, { WS_MAX_CONNECTIONS });
    return await work(server);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Events from four writers, one after the other. */
export async function floodWith(server: Server, count: number) {
  let left = count;
  const writer = async () => {
    while (left-- > 0) await makeEvent(server, LARGE);
  };
  await Promise.all(Array.from({ length: 4 }, writer));
}

/** An event that tells when it was sent. */
export async function makeEvent(server: Server, padding: number) {
  const sent = performance.timeOrigin + performance.now();
  const answer = await server.request("/api/events", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ type: "motion", description: `${sent} ${"x".repeat(padding)}` }),
  });
  if (answer.status !== 201) throw new Error(await answer.text());
  await answer.body?.cancel();
}

/** The clients, once all of them follow events. */
export async function startClients({ base, key }: Server, readers: number, slow: number) {
  const address = `${base.replace("http", "ws")}/ws`;
  const child = run("live_clients.ts", address, key, String(readers), String(slow));
  const lines = readLines(child.stdout);
  const stdin = child.stdin.getWriter();
  await lines.next();
  const ask = async (): Promise<Heard> => {
    await stdin.write(new Uint8Array([10]));
    return JSON.parse((await lines.next()).value ?? "null");
  };
  return {
    /** What the readers have, when each has `count` events, or none more comes. */
    async heard(count: number, patienceMs = PATIENCE_MS): Promise<Heard> {
      for (const until = Date.now() + patienceMs;;) {
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

/** Runs a file of this folder in a process of its own, with a line to it and back. */
export function run(file: string, ...args: string[]) {
  const { pathname } = new URL(file, import.meta.url);
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--allow-net", pathname, ...args],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
}

async function* readLines(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** The server's memory, in MiB. */
export async function memory(server: Server): Promise<number> {
  return await gauge(server, "process_resident_memory_bytes") / 1_048_576;
}

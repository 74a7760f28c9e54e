import type { Server } from "../helpers/server.ts";
import { type Picture, unique } from "./pictures.ts";

/** What a round of uploads showed; times in ms. */
export type Uploaded = {
  ids: string[];
  /** From the first byte sent to the 202. */
  latencies: number[];
  /** From the first upload until the server says that the last picture was done. */
  wallMs: number;
};

const POLL_MS = 50;
/** A picture that takes longer ends the measurement. */
const PATIENCE_MS = 120_000;

/** Uploads `count` pictures, `clients` at a time, without waiting for the pipeline: a burst. */
export function burst(server: Server, pictures: Picture[], count: number, clients: number) {
  return round(server, pictures, count, clients, () => Promise.resolve());
}

/** Each client waits until its picture is done before it sends the next: a closed loop. */
export function closed(server: Server, pictures: Picture[], count: number, clients: number) {
  return round(server, pictures, count, clients, async (id) => void await settled(server, id));
}

async function round(
  server: Server,
  pictures: Picture[],
  count: number,
  clients: number,
  then: (id: string) => Promise<void>,
): Promise<Uploaded> {
  const ids: string[] = [];
  const latencies: number[] = [];
  let next = 0;
  const began = Date.now();
  const client = async () => {
    while (next < count) {
      const bytes = unique(pictures[next++ % pictures.length]!);
      const sent = performance.now();
      const answer = await server.upload(bytes);
      if (answer.status !== 202) throw new Error(await answer.text());
      const { id } = await answer.json();
      latencies.push(performance.now() - sent);
      ids.push(id);
      await then(id);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  let last = began;
  for (const id of ids) last = Math.max(last, await settled(server, id));
  return { ids, latencies, wallMs: last - began };
}

/** When the picture was done, by the server's clock. Throws when it was given up, or takes too long. */
async function settled(server: Server, id: string): Promise<number> {
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until;) {
    const answer = await server.request(`/images/${id}/status`);
    const { status, steps, done_at } = await answer.json();
    if (status === "done") return Date.parse(done_at);
    if (done_at) throw new Error(`image ${id} ended ${status}: ${JSON.stringify(steps)}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`image ${id} is not done after ${PATIENCE_MS / 1000} s`);
}

/** A gauge of the server's `/metrics`. */
export async function gauge(server: Server, name: string): Promise<number> {
  const text = await (await server.request("/metrics")).text();
  const line = text.split("\n").find((line) => line.startsWith(`${name} `));
  if (!line) throw new Error(`/metrics has no ${name}`);
  return Number(line.slice(name.length));
}

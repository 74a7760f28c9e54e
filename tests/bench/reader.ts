/// <reference lib="deno.worker" />

/** Asks for the addresses in turn: as many at once as given, or at fixed moments whatever happens. */
export type ReaderJob =
  & { urls: string[]; headers: Record<string, string> }
  & (
    | { kind: "closed"; readers: number; ms: number }
    /** Until "stop", where `ms` is null. */
    | { kind: "open"; rate: number; ms: number | null }
  );

/** Times in ms; in the open loop from the moment when a request was due. */
export type ReaderResult = { latencies: number[]; perSecond: number };

/** What a timer may be late without counting. */
const TIMER_GRAIN_MS = 2;
const PATIENCE_MS = 30_000;

let stopped = false;

self.onmessage = async ({ data }: MessageEvent<ReaderJob | "stop">) => {
  if (data === "stop") stopped = true;
  else self.postMessage(await (data.kind === "open" ? open(data) : closed(data)));
};

async function closed(
  { urls, headers, readers, ms }: Extract<ReaderJob, { kind: "closed" }>,
): Promise<ReaderResult> {
  const latencies: number[] = [];
  const began = performance.now();
  let next = 0;
  const client = async () => {
    for (let sent = began; sent - began < ms; sent = performance.now()) {
      await get(urls[next++ % urls.length]!, headers);
      latencies.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: readers }, client));
  return { latencies, perSecond: latencies.length / (performance.now() - began) * 1000 };
}

async function open(
  { urls, headers, rate, ms }: Extract<ReaderJob, { kind: "open" }>,
): Promise<ReaderResult> {
  const latencies: number[] = [];
  const flying = new Set<Promise<void>>();
  for (const url of urls.slice(0, 4)) await get(url, headers);
  const began = performance.now();
  for (let count = 0; !stopped && (ms === null || performance.now() - began < ms);) {
    for (; began + count * 1000 / rate <= performance.now(); count++) {
      const due = began + count * 1000 / rate;
      const from = performance.now() - due < TIMER_GRAIN_MS ? performance.now() : due;
      const flight: Promise<void> = get(urls[count % urls.length]!, headers)
        .then(() => void latencies.push(performance.now() - from))
        .finally(() => flying.delete(flight));
      flying.add(flight);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(flying);
  return { latencies, perSecond: latencies.length / (performance.now() - began) * 1000 };
}

async function get(url: string, headers: Record<string, string>): Promise<void> {
  const answer = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`GET ${new URL(url).pathname} answers ${answer.status}`);
}

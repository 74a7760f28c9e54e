import { Counter, Gauge, Histogram, Registry } from "prom-client";

type Sources = {
  version: string;
  commits: () => number;
  running: () => number;
  /** Live connections. */
  sockets: () => number;
  /** Cameras that this process watches. */
  cameras: () => number;
  sandboxes: () => Record<string, { children: number; busy: number; waiting: number }>;
  queue: () => Promise<QueueDepth>;
  /** Free bytes on the disk of the database; null where there is none. */
  freeDisk: (() => Promise<number>) | null;
};

/** Jobs that wait, counted up to a bound. `due` may start now; `later` wait for their time. */
export type QueueDepth = { due: number; later: number; oldestDueSeconds: number };

/** Every figure that Imago tells Prometheus, in base units, without labels that grow with its users. */
export function createMetrics(sources: Sources) {
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const histogram = (name: string, help: string, labelNames: string[], buckets: number[]) =>
    new Histogram({ name, help, labelNames, buckets, registers });

  const metrics = {
    registry,
    requests: histogram(
      "imago_http_request_duration_seconds",
      "Time to answer a request, by route pattern",
      ["method", "route", "status"],
      [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    ),
    steps: histogram(
      "imago_step_duration_seconds",
      "Time that one try of a pipeline step took, by its outcome",
      ["step", "outcome"],
      [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    ),
    uploads: counter(
      "imago_uploads_total",
      "Pictures that were sent, by result: accepted, or the code of the problem",
      ["result"],
    ),
    uploadBytes: counter("imago_upload_bytes_total", "Bytes of accepted pictures"),
    deadLetters: counter("imago_dead_letters_total", "Steps that gave up", ["step"]),
    aiCalls: counter(
      "imago_ai_calls_total",
      "Calls of models, by provider and outcome: ok, or the kind of failure",
      ["provider", "outcome"],
    ),
    aiTokens: counter("imago_ai_tokens_total", "Tokens of models, by provider and direction", [
      "provider",
      "direction",
    ]),
    webhooks: histogram(
      "imago_webhook_attempt_duration_seconds",
      "Time that a webhook's receiver took, by what came of it: delivered, retried, failed or gone",
      ["outcome"],
      [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
    ),
    predictions: counter(
      "imago_predictions_total",
      "Pictures that were to be predicted, by result: done, or the code of the problem",
      ["result"],
    ),
    predictionSeconds: histogram(
      "imago_prediction_duration_seconds",
      "Time to decode a picture and look at it",
      [],
      [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    ),
    cameraPictures: counter(
      "imago_camera_pictures_total",
      "Pictures that came from cameras, by what was done: looked at, or passed over for want of time",
      ["done"],
    ),
    cameraFailures: counter("imago_camera_failures_total", "Connections to cameras that failed"),
    /** Told every delay of the event loop, in seconds; shows the longest since the last scrape. */
    eventLoopDelay: longest(
      registry,
      "imago_event_loop_lag_seconds",
      "Longest delay of the event loop since the last scrape",
    ),
  };
  observe(registry, sources);
  return metrics;
}

export type Metrics = ReturnType<typeof createMetrics>;

/** Figures that are read when they are asked for. */
function observe(registry: Registry, sources: Sources) {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read());
      },
    });

  new Gauge({
    name: "imago_build_info",
    help: "Always 1; the labels say what runs",
    labelNames: ["version", "deno"],
    registers,
  }).set({ version: sources.version, deno: Deno.version.deno }, 1);
  gauge(
    "process_start_time_seconds",
    "When the process started, in seconds since 1970",
    () => performance.timeOrigin / 1000,
  );
  gauge(
    "process_resident_memory_bytes",
    "Memory of the server process",
    () => Deno.memoryUsage().rss,
  );
  gauge("imago_jobs_running", "Jobs that run in this process", sources.running);
  gauge("imago_cameras_watched", "Cameras that this process watches", sources.cameras);
  gauge("imago_websocket_connections", "Clients that follow live on /ws", sources.sockets);
  new Counter({
    name: "imago_kv_commits_total",
    help: "Transactions committed",
    registers,
    collect() {
      this.reset();
      this.inc(sources.commits());
    },
  });
  observeQueue(registers, sources);
  observeSandboxes(registers, sources);
  if (sources.freeDisk) {
    gauge("imago_disk_free_bytes", "Free bytes on the disk of the database", sources.freeDisk);
  }
}

function observeQueue(registers: Registry[], { queue }: Sources) {
  const oldest = new Gauge({
    name: "imago_jobs_oldest_due_seconds",
    help: "How long the job that waits longest has been due",
    registers,
  });
  new Gauge({
    name: "imago_jobs_waiting",
    help:
      "Jobs that wait: due now, or later (a retry, or what they need is away); counted to 10000",
    labelNames: ["state"],
    registers,
    async collect() {
      const { due, later, oldestDueSeconds } = await queue();
      this.set({ state: "due" }, due);
      this.set({ state: "later" }, later);
      oldest.set(oldestDueSeconds);
    },
  });
}

function observeSandboxes(registers: Registry[], { sandboxes }: Sources) {
  new Gauge({
    name: "imago_sandbox_children",
    help: "Child processes, by what they do and how they are",
    labelNames: ["sandbox", "state"],
    registers,
    collect() {
      for (const [sandbox, { children, busy, waiting }] of Object.entries(sandboxes())) {
        this.set({ sandbox, state: "busy" }, busy);
        this.set({ sandbox, state: "idle" }, children - busy);
        this.set({ sandbox, state: "awaited" }, waiting);
      }
    },
  });
}

/** A gauge of the largest value since it was last read. */
function longest(registry: Registry, name: string, help: string) {
  let most = 0;
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(most);
      most = 0;
    },
  });
  return (value: number) => void (most = Math.max(most, value));
}

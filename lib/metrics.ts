import { Counter, Gauge, Histogram, Registry } from "prom-client";

type Sources = {
  commits: () => number;
  running: () => number;
  sandboxes: () => Record<string, { children: number; busy: number; waiting: number }>;
};

/** Every figure that Imago tells Prometheus, in base units, without labels that grow with its users. */
export function createMetrics(sources: Sources) {
  const registry = new Registry();
  const registers = [registry];

  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  gauge("imago_jobs_running", "Jobs that run in this process", sources.running);
  gauge("imago_kv_commits", "Transactions committed since the start", sources.commits);
  gauge(
    "process_resident_memory_bytes",
    "Memory of the server process",
    () => Deno.memoryUsage().rss,
  );
  new Gauge({
    name: "imago_sandbox_children",
    help: "Child processes, by what they do and how they are",
    labelNames: ["sandbox", "state"],
    registers,
    collect() {
      for (const [sandbox, { children, busy, waiting }] of Object.entries(sources.sandboxes())) {
        this.set({ sandbox, state: "busy" }, busy);
        this.set({ sandbox, state: "idle" }, children - busy);
        this.set({ sandbox, state: "awaited" }, waiting);
      }
    },
  });

  return {
    registry,
    requests: new Histogram({
      name: "imago_http_request_duration_seconds",
      help: "Time to answer a request, by route pattern",
      labelNames: ["method", "route", "status"],
      buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
      registers,
    }),
    steps: new Histogram({
      name: "imago_step_duration_seconds",
      help: "Time that one try of a pipeline step took, by its outcome",
      labelNames: ["step", "outcome"],
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
      registers,
    }),
    uploads: new Counter({
      name: "imago_upload_bytes_total",
      help: "Bytes of accepted pictures",
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;

import { cpus } from "node:os";
import type { Disk } from "./disk.ts";
import type { SystemStats } from "./model/stats.ts";

/** Tells how its graphics cards do, where NVIDIA's driver is installed. */
export const NVIDIA_SMI = "nvidia-smi";

const GPU_QUERY = [
  "--query-gpu=name,utilization.gpu,memory.used,memory.total",
  "--format=csv,noheader,nounits",
];
const GPU_MS = 2_000;
const MEBIBYTE = 1_048_576;

type Times = { busy: number; all: number };

/** The machine that Imago runs on, as its system tells; null is what that does not. */
export function createMachine({ disk }: { disk: Disk | null }) {
  let last: Times | null = null;
  /** Once it is missing, it is not started again for every question. */
  let hasGpu = true;

  /** Share of all cores' time that was busy since it was last asked; since the start at first. */
  const usage = (): number | null => {
    const now = timesOf();
    const before = last ?? { busy: 0, all: 0 };
    last = now;
    const all = now && now.all - before.all;
    return all ? share((now.busy - before.busy) / all) : null;
  };

  const gpu = async () => {
    const text = hasGpu ? await askGpu() : null;
    hasGpu = text !== null;
    return text === null ? null : gpusOf(text);
  };

  return {
    async read(): Promise<SystemStats> {
      return {
        cpu: {
          cores: navigator.hardwareConcurrency,
          usage: usage(),
          load_average: told(() => Deno.loadavg()),
        },
        memory: memory(),
        gpu: await gpu(),
        disk: disk && { free_bytes: Math.floor(await disk.look()) },
        process: {
          rss_bytes: Deno.memoryUsage().rss,
          uptime_seconds: Math.floor(performance.now() / 1000),
        },
      };
    },
  };
}

export type Machine = ReturnType<typeof createMachine>;

/** What nvidia-smi prints: `NVIDIA L4, 37, 1024, 23034`, a line a card, memory in MiB. */
export function gpusOf(text: string): NonNullable<SystemStats["gpu"]> {
  return text.trim().split("\n").map((line) => {
    const [name = "", percent, used, total] = line.split(",").map((field) => field.trim());
    return {
      name,
      usage: share(numberOf(percent) / 100),
      used_bytes: numberOf(used) * MEBIBYTE,
      total_bytes: numberOf(total) * MEBIBYTE,
    };
  });
}

function memory() {
  const info = told(() => Deno.systemMemoryInfo());
  return info && { total_bytes: info.total, used_bytes: info.total - info.available };
}

function timesOf(): Times | null {
  const cores = told(() => cpus()) ?? [];
  const all = cores.reduce(
    (sum, { times: { user, nice, sys, idle, irq } }) => sum + user + nice + sys + idle + irq,
    0,
  );
  const idle = cores.reduce((sum, { times }) => sum + times.idle, 0);
  return all ? { busy: all - idle, all } : null;
}

async function askGpu(): Promise<string | null> {
  try {
    const signal = AbortSignal.timeout(GPU_MS);
    const command = new Deno.Command(NVIDIA_SMI, { args: GPU_QUERY, stderr: "null", signal });
    const { success, stdout } = await command.output();
    return success ? new TextDecoder().decode(stdout) : null;
  } catch (error) {
    if (isUntold(error) || error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** What the system tells; null where it may not be asked, or has no such thing. */
function told<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isUntold(error)) return null;
    throw error;
  }
}

function isUntold(error: unknown): boolean {
  return error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.NotSupported;
}

/** "[N/A]" is what some cards tell. */
function numberOf(text = ""): number {
  return Number.parseFloat(text) || 0;
}

function share(value: number): number {
  return Math.round(Math.min(1, Math.max(0, value)) * 1000) / 1000;
}

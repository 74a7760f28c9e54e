import { z } from "zod";
import { type Clock, systemClock } from "../clock.ts";
import { Problem } from "../errors.ts";
import { PACKAGES } from "../packages.ts";
import { createSandbox } from "../sandbox.ts";

/** WS-Discovery's own group and port. */
const EVERYBODY = { hostname: "239.255.255.250", port: 3702 };
/** Beyond the time that answers are waited for: to start the child, and to read them. */
const SPARE_MS = 5_000;
/** From one question to the next: who asks sooner, and waits no longer, is told what was heard. */
const QUIET_MS = 5_000;

const text = z.string();
const Device = z.object({
  endpoint: text,
  name: text,
  hardware: text,
  location: text,
  addresses: z.array(text),
  xaddrs: z.array(text),
});
const Heard = z.object({ devices: z.array(Device) });
export type Heard = z.infer<typeof Device>;

export type Discovery = ReturnType<typeof createDiscovery>;

type Options = { clock?: Clock; to?: typeof EVERYBODY; spareMs?: number };

/**
 * Asks the local network for ONVIF cameras, in a child that may use the network and nothing else:
 * what answers is a stranger's XML. Whoever asks while a question is out, or soon after it, shares
 * its answers.
 */
export function createDiscovery(
  { clock = systemClock, to = EVERYBODY, spareMs = SPARE_MS }: Options = {},
) {
  const sandbox = createSandbox({
    name: "discovery",
    entry: new URL("./child.ts", import.meta.url),
    size: 1,
    memoryMb: 768,
    deadlineMs: spareMs,
    idleMs: 1_000,
    recycleAfter: 10,
    maxWaiting: 10,
    network: true,
    permissions: ["--allow-net", "--allow-sys=networkInterfaces", `--allow-read=${PACKAGES}`],
  });
  let underWay: Promise<Heard[]> | null = null;
  let last = { began: -Infinity, waitMs: 0, devices: [] as Heard[] };

  const ask = async (waitMs: number): Promise<Heard[]> => {
    const limits = { deadlineMs: waitMs + spareMs };
    try {
      const { result } = await sandbox.run({ ...to, waitMs }, undefined, limits);
      return Heard.parse(result).devices;
    } catch (cause) {
      if (cause instanceof Problem && cause.code === "unavailable") throw cause;
      const detail = "Cannot look for cameras: the network does not let it";
      throw new Problem("unavailable", detail, { retryAfter: 30, cause });
    }
  };

  const askOrRecall = async (waitMs: number): Promise<Heard[]> => {
    const began = clock.now();
    const age = began - last.began;
    const isRecent = age >= 0 && age < QUIET_MS && last.waitMs >= waitMs;
    if (!isRecent) last = { began, waitMs, devices: await ask(waitMs) };
    return last.devices;
  };

  return {
    /** Who answers within `waitMs`, in the order in which they do; as heard some seconds ago at most. */
    find(waitMs: number): Promise<Heard[]> {
      return underWay ??= askOrRecall(waitMs).finally(() => underWay = null);
    },
    close: sandbox.close,
  };
}

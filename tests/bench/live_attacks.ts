import { makeEvent, memory, run, startClients, withServer } from "./live_setup.ts";
import { quantile, type Row } from "./report.ts";

const LOOK_MS = 20;
const PAGE_BYTES = 4_096;
const ATTACKS: [what: string, kind: string, knowsKey: boolean][] = [
  ["ten more who only listen", "none", true],
  ["messages that never end, from strangers", "fragments", false],
  ["messages that never end, with a key", "fragments", true],
  ["frames of 17 MB, with a key", "frames", true],
  ["100,000 tiny frames, with a key", "tiny", true],
  ["5,000 connections of strangers", "open", false],
];

/** What those who mean harm cost others: memory at its highest, and how late events are. */
export async function measureAttacks(rate: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [what, kind, knowsKey] of ATTACKS) {
    rows.push(
      ...await withServer(async (server) => {
        await using clients = await startClients(server, 20, 0);
        const before = await memory(server);
        const watched = watchPeak(server.pid);
        const address = `${server.base.replace("http", "ws")}/ws`;
        const attackers = run("live_attackers.ts", kind, address, knowsKey ? server.key : "", rate);
        for (let sent = 0; sent < 80; sent++) {
          await makeEvent(server, 0);
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
        await attackers.stdin.close();
        await attackers.status;
        const heard = await clients.heard(80, 2_000);
        const peak = watched.stop();
        return [
          {
            what,
            value: peak - before,
            unit: "MiB more at most",
            aim: "under 100",
          },
          {
            what: "  events, p99",
            value: quantile(heard.latencies, 0.99),
            unit: "ms",
            aim: "under 100",
          },
          { what: "  others thrown out", value: heard.closed, unit: "of 20" },
        ];
      }, "1000"),
    );
  }
  return rows;
}

/** The largest memory of the server itself until `stop`, in MiB; NaN where there is no /proc. */
function watchPeak(pid: number) {
  let peak = NaN;
  const look = () => {
    const pages = Number(Deno.readTextFileSync(`/proc/${pid}/statm`).split(" ")[1]);
    peak = Math.max(peak || 0, pages * PAGE_BYTES / 1_048_576);
  };
  const timer = Deno.build.os === "linux" ? setInterval(look, LOOK_MS) : undefined;
  return {
    stop() {
      clearInterval(timer);
      return peak;
    },
  };
}

/** Looks at a process and all that it started, through /proc (Linux); null where there is none. */
export type Memory = { rssMb: number; pssMb: number };

const LOOK_MS = 100;
/** PSS (each shared page split among those who share it) costs more to read. */
const PSS_EVERY = 5;
/** USER_HZ: the unit of times in /proc, the same on every Linux that runs Deno. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** Processor seconds of the tree so far, ended children included. */
export async function cpuSeconds(pid: number): Promise<number | null> {
  if (Deno.build.os !== "linux") return null;
  let ticks = 0;
  for (const member of await treeOf(pid)) {
    const stat = await read(`/proc/${member}/stat`);
    // Behind the program's name, which may hold blanks: utime, stime, cutime, cstime (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks += fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  }
  return ticks / TICKS_PER_SECOND;
}

/** Watches the tree's memory until `stop`, which gives the peaks. */
export function watchMemory(pid: number): { stop: () => Promise<Memory | null> } {
  if (Deno.build.os !== "linux") return { stop: () => Promise.resolve(null) };
  const peak = { rssMb: 0, pssMb: 0 };
  let watching = true;
  const watch = async () => {
    for (let look = 0; watching; look++) {
      const tree = await treeOf(pid);
      peak.rssMb = Math.max(peak.rssMb, await total(tree, rss));
      if (look % PSS_EVERY === 0) peak.pssMb = Math.max(peak.pssMb, await total(tree, pss));
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return peak;
  };
  const watched = watch();
  return {
    stop() {
      watching = false;
      return watched;
    },
  };
}

async function total(tree: number[], bytes: (pid: number) => Promise<number>): Promise<number> {
  const all = await Promise.all(tree.map(bytes));
  return all.reduce((sum, each) => sum + each, 0) / 1_048_576;
}

async function treeOf(pid: number): Promise<number[]> {
  const tree = [pid];
  for (const member of tree) {
    for (const thread of await entries(`/proc/${member}/task`)) {
      const children = await read(`/proc/${member}/task/${thread}/children`);
      tree.push(...children.split(" ").filter(Boolean).map(Number));
    }
  }
  return tree;
}

async function rss(pid: number): Promise<number> {
  const pages = (await read(`/proc/${pid}/statm`)).split(" ")[1];
  return Number(pages ?? 0) * PAGE_BYTES;
}

async function pss(pid: number): Promise<number> {
  const rollup = await read(`/proc/${pid}/smaps_rollup`);
  return Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0) * 1024;
}

/** What /proc says of a process; "" when it has ended meanwhile. */
async function read(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    return unlessGone(error, "");
  }
}

async function entries(path: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  } catch (error) {
    return unlessGone(error, []);
  }
}

function unlessGone<T>(error: unknown, otherwise: T): T {
  const gone = error instanceof Deno.errors.NotFound ||
    error instanceof Error && "code" in error && error.code === "ESRCH";
  if (!gone) throw error;
  return otherwise;
}

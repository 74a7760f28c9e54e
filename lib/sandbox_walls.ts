/** What this system offers to hold native code, which Deno's permissions cannot hold. */
export type Walls = {
  /** RLIMIT_DATA: private writable memory of a child is capped. */
  memory: boolean;
  /** `unshare` arguments that give a child an empty network namespace; null where none works. */
  network: string[] | null;
  /** A child dies with its parent even in the middle of a job, and gains no privileges. */
  orphans: boolean;
  /** A child gives way to the server, so that answers stay quick while every core decodes. */
  yielding: boolean;
};

const NICENESS = "15";

let detected: Promise<Walls> | undefined;

/**
 * Tries the tools of util-linux once (about 10 ms) and says which work here. Each needs
 * `--allow-run` by its name: prlimit, unshare, setpriv, nice. What is missing or forbidden is left out.
 */
export function detectWalls(): Promise<Walls> {
  return detected ??= tryTools();
}

async function tryTools(): Promise<Walls> {
  const [memory, plain, mapped, orphans, yielding] = await Promise.all([
    works("prlimit", "--data=1000000000"),
    works("unshare", "-n"),
    works("unshare", "-rn"),
    works("setpriv", "--pdeathsig", "KILL", "--no-new-privs"),
    works("nice", "-n", NICENESS),
  ]);
  return { memory, network: plain ? ["-n"] : mapped ? ["-rn"] : null, orphans, yielding };
}

async function works(tool: string, ...args: string[]): Promise<boolean> {
  try {
    const options = { args: [...args, "true"], env: { PATH: "/usr/local/bin:/usr/bin:/bin" } };
    const process = new Deno.Command(tool, { ...options, clearEnv: true, stdin: "null" });
    return (await process.output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) {
      return false;
    }
    throw error;
  }
}

/** The words in front of `deno run`. setpriv comes last: a change of user would undo its signal. */
export function launchPrefix(walls: Walls, memoryMb: number): string[] {
  const { memory, network, orphans, yielding } = walls;
  return [
    ...(yielding ? ["nice", "-n", NICENESS] : []),
    ...(memory ? ["prlimit", `--data=${memoryMb * 1024 * 1024}`] : []),
    ...(network ? ["unshare", ...network] : []),
    ...(orphans ? ["setpriv", "--pdeathsig", "KILL", "--no-new-privs"] : []),
  ];
}

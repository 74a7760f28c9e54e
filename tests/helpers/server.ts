import { VARIABLES } from "../../lib/config.ts";
import type { ImageSummary } from "../../lib/model/image.ts";

const ROOT = new URL("../../", import.meta.url);
const READY_MS = 60_000;

type Options = {
  /** The folder of database, pictures and secrets; the keys that the first start shows stay in it. */
  dataDir: string;
  /** Environment variables; those of this process and of `.env` do not count. */
  env?: Record<string, string>;
  /** The program's file; standard is `main.ts`. */
  entry?: string;
  /** A module that runs before the program, and its arguments. The program may then do anything. */
  preload?: { module: URL; args: string[] };
};

type Keys = { admin: string; tenant: string };

export type Server = Awaited<ReturnType<typeof launchServer>>;

/** The real program in a process of its own, once it is ready. */
export async function startServer(options: Options): Promise<Server> {
  const server = await launchServer(options);
  await server.ready();
  return server;
}

/** Starts the real program without waiting for it. */
export async function launchServer({ dataDir, env = {}, entry = "main.ts", preload }: Options) {
  const variables = {
    ...Object.fromEntries(VARIABLES.map(({ name }) => [name, ""])),
    HOST: "127.0.0.1",
    PORT: "0",
    DATA_DIR: dataDir,
    AI_PROVIDER: "none",
    OCR_ENABLED: "false",
    ...env,
  };
  const args = preload
    ? ["-A", "--preload", preload.module.href, entry, ...preload.args]
    : [...await permissionsFor(variables), entry];
  // A process group of its own: whatever it leaves behind can be ended with it.
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--cached-only", ...args],
    cwd: ROOT,
    env: variables,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();

  const log: string[] = [];
  let base = variables.PORT === "0" ? "" : `http://127.0.0.1:${variables.PORT}`;
  let keys = await readKeys(dataDir);
  const heed = (line: string) => {
    log.push(line);
    base ||= /Listening on (http:\S+:\d+)/.exec(line)?.[1] ?? "";
  };
  const { pid } = child;
  const stopped = Promise.all([
    child.status,
    eachLine(child.stdout, heed),
    eachLine(child.stderr, heed),
  ]).then(([status]) => status);
  let gone = false;
  void stopped.then(() => gone = true);

  const request = (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set("X-API-Key", keys?.tenant ?? "");
    return fetch(`${base}${path}`, { ...init, headers });
  };

  const images = async (): Promise<ImageSummary[]> => {
    const all: ImageSummary[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const from: string = cursor && `&cursor=${encodeURIComponent(cursor)}`;
      const answer = await request(`/images?limit=200${from}`);
      if (!answer.ok) throw new Error(await answer.text());
      const { items, next_cursor } = await answer.json();
      all.push(...items);
      cursor = next_cursor;
    }
    return all;
  };

  return {
    pid,
    /** What it said, line by line. */
    log,
    /** Settles when it has ended and everything that it said is in `log`. */
    stopped,
    get base() {
      return base;
    },
    /** The first tenant's key, with all rights. */
    get key() {
      return keys?.tenant ?? "";
    },
    get adminKey() {
      return keys?.admin ?? "";
    },

    /** Waits until `/health/ready` answers 200. Throws, with the log, when it ends before. */
    async ready(): Promise<void> {
      for (const until = Date.now() + READY_MS; !gone && Date.now() < until;) {
        if (base && await answersOk(`${base}/health/ready`)) {
          keys ??= await keepKeys(dataDir, log);
          return;
        }
        await pause(20);
      }
      throw new Error(`the server did not become ready:\n${log.join("\n")}`);
    },

    /** A request with the first tenant's key. */
    request,

    /** Uploads bytes as a browser would. */
    upload(bytes: Uint8Array<ArrayBuffer>, name = "photo.jpg"): Promise<Response> {
      const body = new FormData();
      body.append("file", new File([bytes], name));
      return request("/images/upload", { method: "POST", body });
    },

    /** All images of the first tenant. */
    images,

    /** Waits until no image is under way; gives all images. Throws, with the log, after `ms`. */
    async settle(ms = 60_000): Promise<ImageSummary[]> {
      for (const until = Date.now() + ms; Date.now() < until;) {
        const all = await images();
        if (!all.some(({ status }) => status === "pending" || status === "processing")) return all;
        await pause(100);
      }
      throw new Error(`images are under way after ${ms} ms:\n${log.slice(-20).join("\n")}`);
    },

    /** Signals the program, not its children, and waits for its end. */
    async kill(signal: Deno.Signal = "SIGKILL"): Promise<Deno.CommandStatus> {
      send(pid, signal);
      return await stopped;
    },

    /** Ends the program and whatever it left behind. */
    async [Symbol.asyncDispose]() {
      send(-pid, "SIGKILL");
      await stopped;
    },
  };
}

const flags = new Map<string, Promise<string[]>>();

/** What `deno task start` would allow the program with these variables. */
function permissionsFor(variables: Record<string, string>): Promise<string[]> {
  const { PORT: _, ...decisive } = variables;
  const name = JSON.stringify(decisive);
  const known = flags.get(name) ?? printPermissions(variables);
  flags.set(name, known);
  return known;
}

async function printPermissions(variables: Record<string, string>): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "--allow-env", "--allow-read", "--cached-only", "lib/permissions.ts"],
    cwd: ROOT,
    env: variables,
  }).output();
  return new TextDecoder().decode(stdout).trim().split(" ");
}

/** Signals a process, or with a negative id its group; that it is gone already is as good. */
export function send(pid: number, signal: Deno.Signal) {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  heed: (line: string) => void,
) {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(heed);
  }
  if (rest) heed(rest);
}

async function answersOk(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url);
    await answer.body?.cancel();
    return answer.ok;
  } catch (error) {
    // Nobody listens yet, or not any more.
    if (error instanceof TypeError) return false;
    throw error;
  }
}

const keysFile = (dataDir: string) => `${dataDir}/test-keys.json`;

async function readKeys(dataDir: string): Promise<Keys | null> {
  try {
    return JSON.parse(await Deno.readTextFile(keysFile(dataDir)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Keeps the keys that the first start shows. */
async function keepKeys(dataDir: string, log: string[]): Promise<Keys> {
  const shown = (name: string) =>
    log.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
  const keys = { admin: shown("admin_api_key"), tenant: shown("api_key") };
  await Deno.writeTextFile(keysFile(dataDir), JSON.stringify(keys));
  return keys;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

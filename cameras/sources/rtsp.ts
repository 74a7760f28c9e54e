import type { SafeFetch } from "../../lib/net/safe_fetch.ts";
import { Problem } from "../../lib/errors.ts";
import { FFMPEG } from "../../lib/ffmpeg.ts";
import { detectWalls, launchPrefix, type Walls } from "../../lib/sandbox_walls.ts";
import { createSplitter } from "./multipart.ts";
import { openRelay } from "./relay.ts";
import { MAX_FRAME_BYTES, type Source } from "./source.ts";

const MEMORY_MB = 512;
/** What ffmpeg's mpjpeg writes between pictures. */
const BOUNDARY = "ffmpeg";
const MAX_SIDE = 1_920;

/**
 * Pictures of an RTSP camera, decoded by ffmpeg in a process of its own. It reaches the camera alone:
 * by a relay on loopback that leads to the address that was checked, over that one connection.
 */
export function createRtspSource({ net }: { net: Pick<SafeFetch, "locate"> }): Source {
  return async function* (url, { fps, signal }) {
    const { url: address, addresses, credentials } = await net.locate(url, { signal });
    const port = Number(address.port || 554);
    using relay = openRelay({ hostname: addresses[0]!, port }, signal);
    const input = inputOf(address, credentials, relay.port);
    const walls = await detectWalls();
    const process = launch(walls, fps);
    const kill = () => end(process);
    signal.addEventListener("abort", kill);
    try {
      signal.throwIfAborted();
      await tell(process.stdin, input);
      const splitter = createSplitter(BOUNDARY, MAX_FRAME_BYTES);
      for await (const chunk of process.stdout) yield* splitter.push(chunk);
      throw new Problem("invalid_content", "The camera does not send a video, or has ended it");
    } finally {
      signal.removeEventListener("abort", kill);
      kill();
      await process.status;
    }
  };
}

/** Fixed but for the rate: no word of a stranger is an argument. */
function launch(walls: Walls, fps: number): Deno.ChildProcess {
  const [command, ...args] = [
    // Its one connection is to us, so it needs the network of this machine.
    ...launchPrefix({ ...walls, network: null }, MEMORY_MB),
    FFMPEG,
    ...["-hide_banner", "-loglevel", "quiet", "-threads", "1"],
    ...["-f", "concat", "-safe", "0", "-protocol_whitelist", "pipe,rtsp,tcp", "-i", "pipe:0"],
    ...["-map", "0:v:0", "-an", "-sn", "-dn"],
    ...["-vf", `fps=${fps},scale='min(${MAX_SIDE},iw)':-2`],
    ...["-c:v", "mjpeg", "-q:v", "4", "-f", "mpjpeg", "pipe:1"],
  ];
  return new Deno.Command(command!, {
    args,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

/** By its standard input, so that the password stands in no list of processes. */
function inputOf(address: URL, credentials: string | undefined, port: number): string {
  const [user, password] = (credentials ?? "").split(/:(.*)/s).map(encodeURIComponent);
  const login = credentials ? `${user}:${password}@` : "";
  const path = `${address.pathname}${address.search}`.replaceAll("'", "%27");
  return [
    "ffconcat version 1.0",
    `file 'rtsp://${login}127.0.0.1:${port}${path}'`,
    "option rtsp_transport tcp",
    "",
  ].join("\n");
}

async function tell(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch (cause) {
    throw new Error("ffmpeg ended at once", { cause });
  }
}

function end(process: Deno.ChildProcess): void {
  try {
    process.kill("SIGKILL");
  } catch (error) {
    // It has ended already.
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}

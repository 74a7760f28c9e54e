import { Buffer } from "node:buffer";
import { getLogger } from "@logtape/logtape";

const log = getLogger(["imago", "cameras"]);

const ANSWER = Buffer.from("RTSP/");
/** ffmpeg reads no longer lines. */
const MAX_LINE = 4_096;

/**
 * A port on loopback that carries one connection to one address. ffmpeg would follow an RTSP
 * redirect to any address; here it ends the connection.
 */
export function openRelay(to: Deno.ConnectOptions, signal: AbortSignal) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ended = new AbortController();
  const either = AbortSignal.any([ended.signal, signal]);
  either.addEventListener("abort", () => close(listener));
  carry(listener, to, either).catch((error) => {
    if (!either.aborted) log.info("A camera's connection ended: {error}", { error });
  });
  return {
    port: listener.addr.port,
    [Symbol.dispose]: () => ended.abort(),
  };
}

async function carry(listener: Deno.TcpListener, to: Deno.ConnectOptions, signal: AbortSignal) {
  const near = await listener.accept();
  close(listener);
  const far = await Deno.connect(to).catch((error) => {
    close(near);
    throw error;
  });
  const cut = () => {
    close(near);
    close(far);
  };
  signal.addEventListener("abort", cut);
  if (signal.aborted) cut();
  try {
    await Promise.all([
      near.readable.pipeTo(far.writable),
      far.readable.pipeThrough(withoutRedirects()).pipeTo(near.writable),
    ]);
  } finally {
    cut();
  }
}

/** Lets everything pass but an RTSP answer of status 3xx, which is an error. */
export function withoutRedirects(): TransformStream<Uint8Array, Uint8Array> {
  let tail = Buffer.alloc(0);
  return new TransformStream({
    transform(chunk, controller) {
      const seen = Buffer.concat([tail, chunk]);
      for (let at = seen.indexOf(ANSWER); at >= 0; at = seen.indexOf(ANSWER, at + 1)) {
        const line = seen.subarray(at, at + MAX_LINE).toString("latin1");
        if (/^RTSP\/\S*\s+3/.test(line)) throw new Error("the camera redirects");
      }
      tail = seen.subarray(Math.max(0, seen.length - MAX_LINE));
      controller.enqueue(chunk);
    },
  });
}

function close(resource: { close(): void }): void {
  try {
    resource.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

import { createHash } from "node:crypto";
import type { ImageFormat } from "./model/image.ts";
import type { Storage } from "./storage/storage.ts";

/** What the header of a picture tells before anything is decoded. */
export type Header = { format: ImageFormat; mime: string; width: number; height: number };

/** Reads a picture's header while its bytes stream by; throws a `Problem` as soon as it is refused. */
export type Probe = { push(chunk: Uint8Array): void; end(): Header };

/** A picture that stands in storage: its header, its length in bytes, its SHA-256 in hex. */
export type Received = Header & { size: number; sha256: string };

/**
 * Streams a picture into storage, while hashing, counting and checking it. Fails with what `probe`
 * or `body` fail with; nothing stands under `key` then.
 */
export async function receive(
  storage: Storage,
  probe: Probe,
  key: string,
  body: ReadableStream<Uint8Array>,
): Promise<Received> {
  const hash = createHash("sha256");
  let size = 0;
  let header: Header | undefined;
  const watched = body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        size += chunk.length;
        hash.update(chunk);
        probe.push(chunk);
        controller.enqueue(chunk);
      },
      flush() {
        header = probe.end();
      },
    }),
  );
  await storage.put(key, watched);
  if (!header) throw new Error(`storage ended before the body of ${key}`);
  return { ...header, size, sha256: hash.digest("hex") };
}

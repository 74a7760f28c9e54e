/** Bytes in motion: what the storage backends share. */

import { Problem } from "../errors.ts";
import type { ByteRange } from "./storage.ts";

export type Body = ReadableStream<Uint8Array> | Uint8Array;

/** The chunks of a body, without empty ones. Leaving the loop early cancels the stream. */
export async function* chunksOf(body: Body): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) {
    if (body.length > 0) yield body;
    return;
  }
  for await (const chunk of body) {
    if (chunk.length > 0) yield chunk;
  }
}

/**
 * The same bytes in buffers of exactly `size` bytes; only the last one may be shorter. Each buffer
 * is new, so it may be kept; at most one exists here at a time.
 */
export async function* blocksOf(body: Body, size: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let block = new Uint8Array(size);
  let filled = 0;
  for await (const chunk of chunksOf(body)) {
    for (let at = 0; at < chunk.length;) {
      const piece = chunk.subarray(at, at + size - filled);
      block.set(piece, filled);
      filled += piece.length;
      at += piece.length;
      if (filled === size) {
        yield block;
        block = new Uint8Array(size);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield block.subarray(0, filled);
}

/**
 * A stream of exactly `size` bytes from `chunks`: too few or too many make it fail, so that a torn
 * object is never taken for a short one. `close` runs at the end, on failure and on cancel, even
 * when nothing was read.
 */
export function exactStream(
  chunks: AsyncIterator<Uint8Array>,
  size: number,
  close: () => void | Promise<void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let left = size;
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const { value, done } = await chunks.next();
        left -= done ? 0 : value.length;
        if (left < 0 || (done && left > 0)) throw torn(size, left);
        if (!done) controller.enqueue(value as Uint8Array<ArrayBuffer>);
        if (left > 0) return;
        await close();
        controller.close();
      } catch (error) {
        await close();
        throw error;
      }
    },
    cancel: () => close(),
  }, { highWaterMark: 0 });
}

/** The range to read of an object: as asked, or all of it (`length` 0 for an empty one). */
export function span(size: number, range?: ByteRange): { start: number; length: number } {
  if (!range) return { start: 0, length: size };
  const { start, end } = range;
  if (!Number.isSafeInteger(start) || start < 0 || end < start || end >= size) {
    throw new Problem("range_not_satisfiable", `Cannot read bytes ${start} to ${end} of ${size}`);
  }
  return { start, length: end - start + 1 };
}

function torn(size: number, left: number): Problem {
  const cause = new Error(`Expected ${size} bytes, got ${size - left}`);
  return new Problem("unavailable", "Cannot read the object: its bytes are not complete", {
    cause,
  });
}

import { createTarPacker } from "modern-tar";
import type { Clock } from "./clock.ts";

/** A tar archive that is being written, one file after the other. */
export type Archive = {
  /** Adds a text that fits into memory. */
  text(name: string, content: string): Promise<void>;
  /**
   * Adds a file whose size (bytes) is known. When `body` breaks off, the archive stays readable, with
   * zeros where the rest of the file would be; gives what it broke off with, else null.
   */
  file(name: string, { size, modifiedAt }: FileFacts, body: Body): Promise<Error | null>;
};

type FileFacts = { size: number; modifiedAt: Date };
type Body = ReadableStream<Uint8Array>;
type Entry = { write(bytes: Uint8Array): Promise<void> };

/** A reader that takes nothing for so long is given up. */
const PATIENCE_MS = 5 * 60 * 1000;

const ZEROS = new Uint8Array(65_536);

/**
 * What `write` adds, as a tar archive (POSIX ustar) that is written no faster than it is read: some
 * 8 MiB at most wait for the reader. An error of `write` breaks the stream off; when the reader goes
 * away, or takes nothing for five minutes, the archive's methods reject.
 */
export function streamArchive(
  clock: Clock,
  write: (archive: Archive) => Promise<void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { readable, controller } = createTarPacker();
  let cancel = () => {};
  const progressed = () => {
    cancel();
    cancel = clock.after(PATIENCE_MS, () => controller.error(new Error("Nobody reads it")));
  };
  /** Begins a file, whose every piece shows that the reader is there. */
  const begin = (header: Parameters<typeof controller.add>[0]) => {
    const entry = controller.add(header).getWriter();
    progressed();
    return {
      write: (bytes: Uint8Array) => entry.write(bytes).then(progressed),
      close: () => entry.close(),
    };
  };
  const archive: Archive = {
    async text(name, content) {
      const bytes = new TextEncoder().encode(content);
      const entry = begin({ name, size: bytes.length });
      await entry.write(bytes);
      await entry.close();
    },
    async file(name, { size, modifiedAt }, body) {
      const source = body.getReader();
      try {
        const entry = begin({ name, size, mtime: modifiedAt });
        const { copied, broken } = await copy(source, entry);
        await writeZeros(entry, size - copied);
        await entry.close();
        return broken;
      } catch (error) {
        // The archive's reader went away.
        await source.cancel(error);
        throw error;
      }
    },
  };
  write(archive).then(controller.finalize).catch(controller.error).finally(() => cancel());
  return readable;
}

/** Copies until the source ends or breaks off. */
async function copy(
  source: ReadableStreamDefaultReader<Uint8Array>,
  entry: Entry,
) {
  let copied = 0;
  for (;;) {
    const next = await source.read().catch(asError);
    if (next instanceof Error) return { copied, broken: next };
    if (next.done) return { copied, broken: null };
    await entry.write(next.value);
    copied += next.value.length;
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

async function writeZeros(entry: Entry, count: number) {
  for (let left = count; left > 0; left -= ZEROS.length) {
    await entry.write(ZEROS.subarray(0, Math.min(left, ZEROS.length)));
  }
}

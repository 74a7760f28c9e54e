import { createTarPacker } from "modern-tar";

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

const ZEROS = new Uint8Array(65_536);

/**
 * What `write` adds, as a tar archive (POSIX ustar) that is written no faster than it is read: some
 * 8 MiB at most wait for the reader. An error of `write` breaks the stream off; when the reader goes
 * away, the archive's methods reject.
 */
export function streamArchive(
  write: (archive: Archive) => Promise<void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { readable, controller } = createTarPacker();
  const archive: Archive = {
    async text(name, content) {
      const bytes = new TextEncoder().encode(content);
      const entry = controller.add({ name, size: bytes.length }).getWriter();
      await entry.write(bytes);
      await entry.close();
    },
    async file(name, { size, modifiedAt }, body) {
      const source = body.getReader();
      try {
        const entry = controller.add({ name, size, mtime: modifiedAt }).getWriter();
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
  write(archive).then(controller.finalize).catch(controller.error);
  return readable;
}

/** Copies until the source ends or breaks off. */
async function copy(
  source: ReadableStreamDefaultReader<Uint8Array>,
  entry: WritableStreamDefaultWriter<Uint8Array>,
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

async function writeZeros(entry: WritableStreamDefaultWriter<Uint8Array>, count: number) {
  for (let left = count; left > 0; left -= ZEROS.length) {
    await entry.write(ZEROS.subarray(0, Math.min(left, ZEROS.length)));
  }
}

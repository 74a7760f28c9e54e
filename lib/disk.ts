import { statfs } from "node:fs/promises";
import { Problem } from "./errors.ts";
import { chunksOf } from "./storage/bytes.ts";
import type { Storage } from "./storage/storage.ts";

/** Asks the file system at most so often; in between, what is written here is subtracted. */
const LOOK_MS = 2_000;

type Options = {
  /** The database's file, or its folder. */
  path: string;
  /** Bytes that stay free, so that the database can always be written. */
  floor: number;
  now?: () => number;
  /** Free bytes of the file system; injected by tests. */
  readFree?: (path: string) => Promise<number>;
};

/**
 * Keeps room for the database: a full disk makes Deno KV's queue end the whole process, so bytes are
 * refused before. Reading and deleting go on as ever.
 */
export function createDisk({ path, floor, now = Date.now, readFree = freeBytes }: Options) {
  let free = Infinity;
  let lookedAt = -Infinity;
  /** Something was refused since the last look. */
  let refused = false;

  /** Free bytes, at most two seconds old, less what was taken since. */
  const look = async (): Promise<number> => {
    if (now() - lookedAt >= LOOK_MS) {
      lookedAt = now();
      refused = false;
      free = await readFree(path);
    }
    return free;
  };

  /** Counts bytes about to be written. Throws `storage_full` when the floor would be reached. */
  const take = async (bytes: number) => {
    await look();
    if (free - bytes < floor) {
      refused = true;
      throw new Problem("storage_full", "Cannot store anything at the moment: the disk is full");
    }
    free -= bytes;
  };

  return {
    look,
    /** Free bytes as last seen. */
    free: () => free,
    isFull: () => refused || free < floor,

    /** The same storage, which refuses to take bytes that the disk has no room for. */
    guard(storage: Storage): Storage {
      return {
        ...storage,
        async put(key, body) {
          await take(body instanceof Uint8Array ? body.length : 1);
          return await storage.put(key, body instanceof Uint8Array ? body : metered(body, take));
        },
      };
    },
  };
}

export type Disk = ReturnType<typeof createDisk>;

/** The same bytes; fails as soon as `take` refuses some. */
function metered(
  body: ReadableStream<Uint8Array>,
  take: (bytes: number) => Promise<void>,
): ReadableStream<Uint8Array> {
  const chunks = chunksOf(body);
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await chunks.next();
      if (done) return controller.close();
      try {
        await take(value.length);
      } catch (error) {
        await chunks.return(undefined);
        throw error;
      }
      controller.enqueue(value);
    },
    async cancel(reason) {
      await chunks.return(reason);
    },
  }, { highWaterMark: 0 });
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

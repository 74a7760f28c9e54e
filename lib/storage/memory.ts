import { blocksOf, exactStream, span } from "./bytes.ts";
import { keyParts, prefixParts } from "./object_key.ts";
import type { ByteRange, OpenObject, Storage, StoredObject } from "./storage.ts";

export type MemoryStorageOptions = {
  now?: () => number;
  /** Called before each operation; what it throws is the operation's failure. */
  intercept?: (operation: keyof Storage, key: string) => void | Promise<void>;
};

/** Objects in memory, for tests: nothing survives the process. */
export function createMemoryStorage(options: MemoryStorageOptions = {}): Storage {
  const { now = Date.now, intercept = () => {} } = options;
  const objects = new Map<string, { bytes: Uint8Array<ArrayBuffer>; modifiedAt: Date }>();

  return {
    name: "memory",
    async put(key, body) {
      keyParts(key);
      await intercept("put", key);
      const stored = { bytes: await collect(body), modifiedAt: new Date(now()) };
      objects.set(key, stored);
      return describe(stored);
    },
    async get(key: string, range?: ByteRange): Promise<OpenObject | null> {
      keyParts(key);
      await intercept("get", key);
      const stored = objects.get(key);
      if (!stored) return null;
      const { start, length } = span(stored.bytes.length, range);
      const bytes = stored.bytes.slice(start, start + length);
      const body = exactStream(blocksOf(bytes, 65_536), length, () => {});
      return { ...describe(stored), body };
    },
    async stat(key) {
      keyParts(key);
      await intercept("stat", key);
      const stored = objects.get(key);
      return stored ? describe(stored) : null;
    },
    async delete(key) {
      keyParts(key);
      await intercept("delete", key);
      objects.delete(key);
    },
    async *list(prefix) {
      prefixParts(prefix);
      await intercept("list", prefix);
      for (const [key, stored] of objects) {
        if (key.startsWith(prefix)) yield { key, ...describe(stored) };
      }
    },
    sweep: () => Promise.resolve(0),
    async check() {
      await intercept("check", "");
    },
  };
}

async function collect(body: ReadableStream<Uint8Array> | Uint8Array) {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  for await (const block of blocksOf(body, 65_536)) blocks.push(block);
  return new Uint8Array(await new Blob(blocks).arrayBuffer());
}

function describe({ bytes, modifiedAt }: { bytes: Uint8Array; modifiedAt: Date }): StoredObject {
  return { size: bytes.length, modifiedAt };
}

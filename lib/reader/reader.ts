import { z } from "@hono/zod-openapi";
import { getLogger } from "@logtape/logtape";
import { Problem } from "../errors.ts";
import { unreadable } from "../net/unreadable.ts";
import { createSandbox, type RunLimits } from "../sandbox.ts";

/** What a page says, for people and models: no markup, no scripts, nothing hidden. */
export const ReadablePage = z.object({
  /** Its own title, or the name of its host; at most 300 characters. */
  title: z.string(),
  /** Paragraphs separated by empty lines; at most 40,000 characters. */
  text: z.string(),
  /** The language that the page declares: `fr-CA`. */
  language: z.string().nullable(),
});
export type ReadablePage = z.infer<typeof ReadablePage>;

export type ReaderOptions = {
  /** Child processes at most; each reads one page at a time. */
  size?: number;
  /** A page that takes longer is given up. */
  deadlineMs?: number;
};

/** What `read` takes from an answer of `SafeFetch`. */
export type PageOrigin = { url: string; contentType: string };

export type Reader = ReturnType<typeof createReader>;

const READABLE_TYPES = new Set([
  "",
  "text/html",
  "application/xhtml+xml",
  "text/plain",
  "text/markdown",
]);

/** Says whether the reader understands a content type; without one it looks at the bytes. */
export function isReadable(type: string): boolean {
  return READABLE_TYPES.has(type);
}

/** Turns web pages into text, in child processes without any permission. */
export function createReader({ size = 2, deadlineMs = 4_000 }: ReaderOptions = {}) {
  const log = getLogger(["imago", "reader"]);
  const sandbox = createSandbox({
    name: "reader",
    entry: new URL("./child.ts", import.meta.url),
    size,
    memoryMb: 768,
    deadlineMs,
    idleMs: 60_000,
    recycleAfter: 200,
    maxWaiting: 20,
    permissions: [],
  });

  /**
   * Reads HTML or plain text of at most 5 MB. A page that has no text, is not text, or is built to
   * break readers ends in the problem of `SafeFetch`; `unavailable` when too many pages wait.
   */
  async function read(
    bytes: Uint8Array,
    { url, contentType }: PageOrigin,
    limits: RunLimits = {},
  ): Promise<ReadablePage> {
    try {
      const { result } = await sandbox.run({ contentType }, bytes, limits);
      const page = ReadablePage.parse(result);
      return { ...page, title: page.title || new URL(url).hostname };
    } catch (cause) {
      limits.signal?.throwIfAborted();
      if (cause instanceof Problem && cause.code === "unavailable") throw cause;
      log.info("Did not read a page: {cause}", { cause });
      throw unreadable(cause);
    }
  }

  return { read, stats: sandbox.stats, close: sandbox.close };
}

// @ts-types="@types/busboy"
import busboy from "busboy";
import { getLogger } from "@logtape/logtape";
import type { Readable } from "node:stream";
import { Problem } from "../../lib/errors.ts";
import { cleanFileName } from "../../lib/storage/content_disposition.ts";

const log = getLogger(["imago", "routes"]);

export type MultipartFile = {
  field: string;
  /** The original name, cleaned; data, never a path. */
  filename: string;
  /** As declared by the client, in lower case. */
  mime: string;
  /** The bytes as they arrive. Fails with the problem when the upload is refused or cut off. */
  body: ReadableStream<Uint8Array>;
};

export type MultipartOptions<T> = {
  /** A file may have exactly so many bytes. */
  maxFileBytes: number;
  maxFiles: number;
  /** Default 50. */
  maxFields?: number;
  /** Default 65,536. */
  maxFieldBytes?: number;
  /** Stops the reading; its reason is rethrown. */
  signal?: AbortSignal;
  /** Time for the first bytes, in ms; default 20,000. After it, 500 bytes a second must arrive. */
  patienceMs?: number;
  /** How long what still comes of a refused body is thrown away, in ms; default 5,000. */
  lingerMs?: number;
  /** Told of each file before its bytes are looked at; what it throws refuses the form. */
  onFound?: (file: Omit<MultipartFile, "body">) => void;
  /** Called for one file after the other, in their order; what it throws refuses the form. */
  onFile: (file: MultipartFile) => Promise<T>;
};

export type MultipartForm<T> = {
  /** Of a repeated field the last value. */
  fields: Record<string, string>;
  files: T[];
};

type Source = ReadableStreamDefaultReader<Uint8Array>;

/** Room for a part's boundary and headers, in what a whole body may have. */
const PART_OVERHEAD = 16_384;
/** What is written to the parser at once; smaller chunks are gathered. */
const WRITE_SIZE = 65_536;
/** The slowest upload that is waited for, in bytes a second (as Apache's mod_reqtimeout has it). */
const MIN_RATE = 500;
/** A boundary has 70 characters at most (RFC 2046). */
const MAX_CONTENT_TYPE = 256;

/**
 * Reads a `multipart/form-data` body in constant memory: each file is handed out while it arrives,
 * and the client is held back while nobody reads it. The answer to a refused form goes out at once;
 * what the client still sends meanwhile is thrown away (as much as an accepted form may have), so
 * that it gets to read the answer. Empty file inputs of a browser are left out.
 *
 * Problems: `invalid_request` for what is not a whole multipart form or comes too slowly,
 * `unsupported_type` for a compressed body, `too_large` for too much of anything, and whatever
 * `onFile` throws. By then every `onFile` that was called has ended.
 */
export async function readMultipart<T>(
  request: Request,
  options: MultipartOptions<T>,
): Promise<MultipartForm<T>> {
  const form = openForm(request.headers, options);
  const source = bodyOf(request).getReader();
  const unwatch = watch(form, options);
  const feeding = feed(source, form, bodyLimit(options));
  try {
    await Promise.race([feeding, form.stopped]);
    return await Promise.race([form.done(), form.stopped]);
  } catch (error) {
    form.stop(error);
    hangUpLater(source, feeding, options.lingerMs ?? 5_000);
    await form.idle();
    throw error;
  } finally {
    unwatch();
  }
}

/** The parser and what it has found so far. The first reason to `stop` is the one that counts. */
type Form<T> = {
  parser: busboy.Busboy;
  received: number;
  stop: (reason: unknown) => void;
  isStopped: () => boolean;
  /** Rejects with the reason; never resolves. */
  stopped: Promise<never>;
  /** Resolves when the form is stopped. */
  halted: Promise<void>;
  /** Ends the parser and waits for all that was found. */
  done: () => Promise<MultipartForm<T>>;
  /** Resolves once no `onFile` is running, however it ended. */
  idle: () => Promise<void>;
};

function openForm<T>(headers: Headers, options: MultipartOptions<T>): Form<T> {
  const parser = openParser(headers, options);
  const fields = new Map<string, string>();
  const files: T[] = [];
  const failure = Promise.withResolvers<never>();
  const halted = Promise.withResolvers<void>();
  let stopped = false;
  let queue = Promise.resolve();

  function stop(reason: unknown): void {
    if (stopped) return;
    stopped = true;
    failure.reject(reason);
    halted.resolve();
    // Not at once: busboy may be in the middle of a chunk, and goes on with what destroy() unsets.
    queueMicrotask(() => parser.destroy(malformed(reason)));
  }

  function find(file: Omit<MultipartFile, "body">): void {
    if (stopped) return;
    try {
      options.onFound?.(file);
    } catch (error) {
      stop(error);
    }
  }

  async function take(file: MultipartFile, release: () => void): Promise<void> {
    if (stopped) return;
    try {
      files.push(await options.onFile(file));
      release();
    } catch (error) {
      stop(error);
    }
  }

  parser.on("file", (field = "", stream, { filename, mimeType }) => {
    const { body, release } = openBody(stream);
    stream.on("limit", () => {
      const problem = tooLarge(
        `"${cleanFileName(filename)}" is larger than ${options.maxFileBytes} bytes`,
      );
      stream.destroy(problem);
      stop(problem);
    });
    if (!filename) return release();
    const file = { field, filename: cleanFileName(filename), mime: mimeType.toLowerCase() };
    find(file);
    queue = queue.then(() => take({ ...file, body }, release));
  });
  parser.on("field", (name = "", value, { valueTruncated }) => {
    if (valueTruncated) stop(tooLarge("a field is too long"));
    fields.set(name, value);
  });
  parser.on("filesLimit", () => stop(tooLarge(`Too many files (>${options.maxFiles})`)));
  parser.on("fieldsLimit", () => stop(tooLarge("too many fields")));
  parser.on("partsLimit", () => stop(tooLarge("too many parts")));
  parser.on("error", (error) => stop(malformed(error)));

  return {
    parser,
    received: 0,
    stop,
    isStopped: () => stopped,
    stopped: failure.promise,
    halted: halted.promise,
    async done() {
      await new Promise<void>((resolve) => parser.once("close", resolve).end());
      await queue;
      return { fields: Object.fromEntries(fields), files };
    },
    idle: () => queue,
  };
}

/** Limits are one above what is allowed: busboy reports them when they are reached. */
function openParser<T>(headers: Headers, options: MultipartOptions<T>): busboy.Busboy {
  const type = headers.get("content-type") ?? "";
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    throw new Problem("unsupported_type", "Cannot read the form: it must not be compressed");
  }
  if (!/^multipart\/form-data\b/i.test(type) || type.length > MAX_CONTENT_TYPE) {
    throw notMultipart();
  }
  const { maxFileBytes, maxFiles, maxFields = 50, maxFieldBytes = 65_536 } = options;
  try {
    return busboy({
      headers: { "content-type": type },
      defParamCharset: "utf8",
      preservePath: true,
      limits: {
        fileSize: maxFileBytes + 1,
        files: maxFiles,
        fields: maxFields,
        fieldSize: maxFieldBytes + 1,
        parts: maxFiles + maxFields + 1,
      },
    });
  } catch (cause) {
    throw notMultipart(cause);
  }
}

/**
 * A web stream of a file of the form, which pauses it while nobody reads. `release` lets what is
 * left of the file run into nothing, so that the form behind it can be read.
 */
function openBody(file: Readable): { body: ReadableStream<Uint8Array>; release: () => void } {
  let released = false;
  const release = () => {
    released = true;
    file.resume();
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      file.on("data", (chunk: Uint8Array) => {
        if (released) return;
        controller.enqueue(chunk);
        if ((controller.desiredSize ?? 0) <= 0) file.pause();
      });
      file.on("end", () => released || controller.close());
      file.on("error", (error) => released || controller.error(malformed(error)));
      file.pause();
    },
    pull: () => void file.resume(),
    cancel: release,
  }, { highWaterMark: 1 });
  return { body, release };
}

/** Pumps the body into the parser; once the form is stopped, into nothing, within bounds. */
async function feed<T>(
  source: Source,
  form: Form<T>,
  limit: number,
): Promise<void> {
  for await (const chunk of gathered(source, form)) {
    if (form.received > limit) form.stop(tooLarge("the form has too many bytes"));
    if (form.isStopped()) return await drain(source, limit);
    const written = new Promise<void>((resolve) => form.parser.write(chunk, () => resolve()));
    await Promise.race([written, form.halted]);
  }
}

/** The chunks of the body, small ones gathered into larger ones. */
async function* gathered<T>(
  source: Source,
  form: Form<T>,
): AsyncGenerator<Uint8Array> {
  let buffer = new Uint8Array(WRITE_SIZE);
  let filled = 0;
  for (;;) {
    const { value, done } = await source.read().catch((cause) => {
      throw new Problem("invalid_request", "Cannot read the form: it was cut off", { cause });
    });
    form.received += value?.length ?? 0;
    const isLarge = form.isStopped() || (value?.length ?? 0) >= WRITE_SIZE / 4;
    if (filled > 0 && (done || isLarge || filled + value.length > WRITE_SIZE)) {
      yield buffer.subarray(0, filled);
      buffer = new Uint8Array(WRITE_SIZE);
      filled = 0;
    }
    if (done) return;
    if (isLarge) {
      yield value;
    } else {
      buffer.set(value, filled);
      filled += value.length;
    }
  }
}

/** Throws away what still comes, as much as an accepted form may have; then hangs up. */
async function drain(source: Source, limit: number): Promise<void> {
  for (let left = limit; left > 0;) {
    const { value, done } = await source.read();
    if (done) return;
    left -= value.length;
  }
  await source.cancel();
}

/**
 * Hangs up on the client some time after the refusal. Not at once: a connection closed with unread
 * bytes loses the answer too. Deno closes it when a body is cancelled after its answer is out.
 */
function hangUpLater(source: Source, feeding: Promise<void>, lingerMs: number): void {
  const note = (error: unknown) => log.debug("A refused body ended: {error}", { error });
  const timer = setTimeout(() => source.cancel().catch(note), lingerMs);
  feeding.catch(note).finally(() => clearTimeout(timer));
}

/** Stops a form that comes too slowly or that the caller gives up; returns how to end the watch. */
function watch<T>(form: Form<T>, { signal, patienceMs = 20_000 }: MultipartOptions<T>): () => void {
  const started = performance.now();
  const timer = setInterval(() => {
    const allowed = patienceMs + form.received / MIN_RATE * 1_000;
    if (performance.now() - started > allowed) form.stop(tooSlow());
  }, Math.min(1_000, patienceMs));
  const abort = () => form.stop(signal?.reason);
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  return () => {
    clearInterval(timer);
    signal?.removeEventListener("abort", abort);
  };
}

function bodyLimit<T>(options: MultipartOptions<T>): number {
  const { maxFileBytes, maxFiles, maxFields = 50, maxFieldBytes = 65_536 } = options;
  return maxFiles * (maxFileBytes + PART_OVERHEAD) + maxFields * (maxFieldBytes + PART_OVERHEAD);
}

function bodyOf(request: Request): ReadableStream<Uint8Array> {
  if (!request.body) throw notMultipart();
  return request.body;
}

function notMultipart(cause?: unknown): Problem {
  const detail = "Cannot read the form: expected multipart/form-data with a boundary";
  return new Problem("invalid_request", detail, { cause });
}

function tooLarge(what: string): Problem {
  const detail = what.startsWith("Too") ? what : `Cannot accept the form: ${what}`;
  return new Problem("too_large", detail);
}

function tooSlow(): Problem {
  return new Problem("request_timeout", "Cannot read the form: it arrives too slowly");
}

/** busboy's errors ("Unexpected end of form", "Malformed part header") are the client's doing. */
function malformed(cause: unknown): Problem {
  if (cause instanceof Problem) return cause;
  return new Problem("invalid_request", "Cannot read the form: it is malformed or incomplete", {
    cause,
  });
}

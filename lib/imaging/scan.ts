import { Problem } from "../errors.ts";

/**
 * What a header parser asks for next: so many bytes to look at, so many to skip, or to run through
 * everything until a scanner is satisfied.
 */
export type Want = number | { skip: number } | { until: Scanner };

/** Gives the index after the last byte it needs, or -1 when it wants all of the chunk and more. */
export type Scanner = (chunk: Uint8Array, from: number) => number;

/** A parser is a coroutine: it yields wants, and each `take` comes back as a `DataView`. */
export type Parser<T = void> = Generator<Want, T, DataView>;

const NOTHING = new DataView(new ArrayBuffer(0));

/** No header is looked at in larger pieces; it bounds the memory of a scan. */
const MAX_TAKE = 1 << 20;

/** Drives a parser with chunks of any size. Memory is bounded by the largest take. */
export function createScan(parser: Parser) {
  let step: IteratorResult<Want, void>;
  let gathered = new Uint8Array(0);
  let have = 0;
  let skipped = 0;
  resume(NOTHING);

  /** Feeds bytes; those after the parser's end are ignored. Throws what the parser throws. */
  function push(chunk: Uint8Array): void {
    let at = 0;
    while (!step.done && at < chunk.length) {
      const want: Want = step.value;
      if (typeof want === "number") at = take(want, chunk, at);
      else if ("skip" in want) at = skip(want.skip, chunk, at);
      else at = runUntil(want.until, chunk, at);
    }
  }

  function take(length: number, chunk: Uint8Array, at: number): number {
    if (length > MAX_TAKE) throw new Problem("invalid_content", "A header of the file is too long");
    if (have === 0 && chunk.length - at >= length) {
      resume(viewOf(chunk.subarray(at, at + length)));
      return at + length;
    }
    if (have === 0) gathered = new Uint8Array(length);
    const part = chunk.subarray(at, at + length - have);
    gathered.set(part, have);
    have += part.length;
    if (have === length) {
      have = 0;
      resume(viewOf(gathered));
    }
    return at + part.length;
  }

  function skip(length: number, chunk: Uint8Array, at: number): number {
    const part = Math.min(length - skipped, chunk.length - at);
    skipped += part;
    if (skipped >= length) {
      skipped = 0;
      resume(NOTHING);
    }
    return at + part;
  }

  function runUntil(scan: Scanner, chunk: Uint8Array, at: number): number {
    const end = scan(chunk, at);
    if (end < 0) return chunk.length;
    resume(NOTHING);
    return end;
  }

  /** Hands the parser what it waited for; wants of no bytes are met at once. */
  function resume(view: DataView): void {
    do step = parser.next(view); while (!step.done && isNothing(step.value));
  }

  return { push, done: () => step.done === true };
}

function isNothing(want: Want): boolean {
  return want === 0 || (typeof want === "object" && "skip" in want && want.skip <= 0);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Four ASCII letters: the name of a chunk or a box. */
export function fourCc(view: DataView, at: number): string {
  return String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, 4));
}

export function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/**
 * Where bytes live. Keys are made of ids only (`<tenant>/<image>/<name>`, each part of
 * `[A-Za-z0-9._-]`), never of a caller's file name. Every backend passes `tests/lib/storage/conformance.ts`.
 */
export interface Storage {
  readonly name: "local" | "memory" | "s3" | "kv";
  /**
   * Stores a whole object, replacing what stood under the key. Nothing is visible under the key
   * until everything is durable; a stream that errors leaves nothing behind and rethrows its error.
   */
  put(key: string, body: ReadableStream<Uint8Array> | Uint8Array): Promise<StoredObject>;
  /**
   * The object (`size` is the whole object's, also with a range), or null. The body must be read to
   * its end or cancelled. A missing or torn part while reading is an error, never a short answer;
   * a range outside the object is a `Problem` `range_not_satisfiable`.
   */
  get(key: string, range?: ByteRange): Promise<OpenObject | null>;
  stat(key: string): Promise<StoredObject | null>;
  /** Deletes one object; deleting what is not there is no error. */
  delete(key: string): Promise<void>;
  /** Every object under a prefix that ends with "/" (or all), in no particular order. */
  list(prefix: string): AsyncIterable<StoredObject & { key: string }>;
  /**
   * Removes what puts that crashed before `before` left behind (temporary files, unpublished
   * chunks, open multipart uploads); returns how many. Never touches an object under a key.
   */
  sweep(before: Date): Promise<number>;
  /**
   * An address from which anyone can read the object until it expires, where the backend serves
   * such addresses itself.
   */
  signedUrl?(key: string, options: SignedUrlOptions): Promise<string>;
  /** Throws a `Problem` when the backend cannot take or give bytes now; cheap. */
  check(): Promise<void>;
}

export type StoredObject = {
  /** Length in bytes. */
  size: number;
  modifiedAt: Date;
};

export type OpenObject = StoredObject & { body: ReadableStream<Uint8Array> };

export type SignedUrlOptions = {
  /** Seconds, at most 7 days. */
  expiresIn: number;
  /** The original name; hostile data, encoded as RFC 6266 and 8187 say. */
  filename: string;
  mime: string;
  disposition: "inline" | "attachment";
};

/** First and last byte, both inclusive and inside the object. */
export type ByteRange = { start: number; end: number };

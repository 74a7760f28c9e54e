import type { Context } from "hono";
import { Problem } from "../../lib/errors.ts";
import { contentDisposition } from "../../lib/storage/content_disposition.ts";
import type { ByteRange, Storage, StoredObject } from "../../lib/storage/storage.ts";

export type ServeOptions = {
  /** From the decoded bytes, never as the uploader declared it. */
  mime: string;
  /** The original name; hostile data. */
  filename: string;
  disposition: "inline" | "attachment";
  cacheControl: string;
  /** Of the content, with or without quotes; made of size and time when absent. */
  etag?: string;
  /** Who may embed it; default `same-origin`. What carries its own signature may be `cross-origin`. */
  resourcePolicy?: "same-origin" | "same-site" | "cross-origin";
};

/** For bytes under an address that never means others; only whoever may read them keeps them. */
export const IMMUTABLE = "private, max-age=31536000, immutable";

/** What a browser may show in place: pictures that cannot carry script. */
const INLINE = /^image\/(jpeg|png|gif|webp|avif|heic|heif|tiff)$/;

/**
 * Answers GET or HEAD with a stored object, streamed: 200, 206 for one byte range, 304, 416
 * (RFC 9110, sections 13 and 14). Several ranges are answered with the whole object. Anything but
 * a raster picture is a download, and nothing served runs as a page of ours. `not_found` when the
 * object is not there.
 */
export async function serveObject(
  c: Context,
  storage: Storage,
  key: string,
  options: ServeOptions,
): Promise<Response> {
  const stored = await storage.stat(key);
  if (!stored) throw missing();
  const etag = entityTag(stored, options.etag);
  const headers = headersOf(stored, etag, options);
  const request = c.req.raw.headers;

  if (isFresh(request, etag, stored)) return new Response(null, { status: 304, headers });
  const range = rangeOf(request, etag, stored);
  headers.set("content-length", String(range ? range.end - range.start + 1 : stored.size));
  if (range) headers.set("content-range", `bytes ${range.start}-${range.end}/${stored.size}`);
  const status = range ? 206 : 200;
  if (c.req.method === "HEAD") return new Response(null, { status, headers });

  const object = await storage.get(key, range);
  if (!object) throw missing();
  return new Response(object.body as ReadableStream<Uint8Array<ArrayBuffer>>, { status, headers });
}

function headersOf(stored: StoredObject, etag: string, options: ServeOptions): Headers {
  const { mime, filename, cacheControl, resourcePolicy = "same-origin" } = options;
  const disposition = INLINE.test(mime) ? options.disposition : "attachment";
  return new Headers({
    "accept-ranges": "bytes",
    "cache-control": cacheControl,
    "content-disposition": contentDisposition(disposition, filename),
    "content-security-policy": "default-src 'none'; sandbox",
    "content-type": mime,
    "cross-origin-resource-policy": resourcePolicy,
    "etag": etag,
    "last-modified": stored.modifiedAt.toUTCString(),
    "x-content-type-options": "nosniff",
  });
}

function entityTag({ size, modifiedAt }: StoredObject, given?: string): string {
  const tag = given ?? `${size.toString(36)}-${modifiedAt.getTime().toString(36)}`;
  return tag.startsWith('"') ? tag : `"${tag}"`;
}

/** If-None-Match compares weakly and wins over If-Modified-Since (RFC 9110, 13.1.2 and 13.1.3). */
function isFresh(request: Headers, etag: string, { modifiedAt }: StoredObject): boolean {
  const tags = request.get("if-none-match");
  if (tags !== null) {
    return tags.split(",").some((tag) => ["*", etag].includes(tag.trim().replace(/^W\//, "")));
  }
  const since = Date.parse(request.get("if-modified-since") ?? "");
  return seconds(modifiedAt) <= since / 1_000;
}

/** The one range to serve; nothing where the whole object is the answer. */
function rangeOf(request: Headers, etag: string, stored: StoredObject): ByteRange | undefined {
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.get("range")?.replaceAll(" ", "") ?? "");
  const [, first = "", last = ""] = range ?? [];
  if ((first === "" && last === "") || !mayRange(request, etag, stored)) return undefined;
  // Digits beyond what a number holds become Infinity or round: larger than any object either way.
  const { size } = stored;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== "" && last !== "" && Number(last) < start) return undefined;
  if (start > end) throw unsatisfiable(size);
  return { start, end };
}

/** If-Range: part of the object only if it is still the one that the client knows. */
function mayRange(request: Headers, etag: string, { modifiedAt }: StoredObject): boolean {
  const condition = request.get("if-range");
  if (condition === null) return true;
  return condition === etag || Date.parse(condition) / 1_000 === seconds(modifiedAt);
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / 1_000);
}

function unsatisfiable(size: number): Problem {
  return new Problem(
    "range_not_satisfiable",
    `Cannot serve this range: the file has ${size} bytes`,
    {
      headers: { "content-range": `bytes */${size}` },
    },
  );
}

function missing(): Problem {
  return new Problem("not_found", "Cannot find this file");
}

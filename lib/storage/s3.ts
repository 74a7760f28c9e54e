import { getLogger } from "@logtape/logtape";
import { blocksOf, type Body, exactStream } from "./bytes.ts";
import { contentDisposition } from "./content_disposition.ts";
import { Problem } from "../errors.ts";
import { isKey, keyParts, prefixParts } from "./object_key.ts";
import { createS3Client, failure, type S3Client, type S3Options, xmlText } from "./s3_client.ts";
import type { ByteRange, OpenObject, Storage, StoredObject } from "./storage.ts";

const log = getLogger(["imago", "storage"]);

export type { S3Options } from "./s3_client.ts";

/** Size of a part: S3 asks for at least 5 MB, and allows 10,000 parts (80 GB). */
const PART_SIZE = 8 * 1_048_576;
/** How often a download that broke off is taken up again. */
const MAX_RESUMES = 3;

/**
 * Objects in an S3 bucket (AWS, MinIO, R2, Ceph, Swift's s3api …). A put holds one part of 8 MB in
 * memory: a body that fits is one PutObject, a longer one a multipart upload, aborted on failure.
 * A download that breaks off continues at the byte where it stopped, of the same version.
 */
export function createS3Storage(options: S3Options): Storage {
  const s3 = createS3Client(options);
  const now = options.now ?? Date.now;

  return {
    name: "s3",
    async put(key, body) {
      keyParts(key);
      const size = await upload(s3, key, body);
      return { size, modifiedAt: new Date(now()) };
    },
    async get(key, range) {
      keyParts(key);
      return await download(s3, key, range);
    },
    async stat(key) {
      keyParts(key);
      const answer = await s3.request({ method: "HEAD", key });
      await answer.body?.cancel();
      if (answer.status === 404) return null;
      if (!answer.ok) throw await failure(new Response(null, { status: answer.status }));
      return describe(answer);
    },
    async delete(key) {
      keyParts(key);
      const answer = await s3.request({ method: "DELETE", key });
      if (!answer.ok && answer.status !== 404) throw await failure(answer);
      await answer.body?.cancel();
    },
    list(prefix) {
      prefixParts(prefix);
      return listObjects(s3, prefix);
    },
    sweep: (before) => sweepUploads(s3, before),
    async check() {
      await text(s3.request({ method: "GET", query: { "list-type": "2", "max-keys": "1" } }));
    },
    signedUrl(key, { expiresIn, filename, mime, disposition }) {
      keyParts(key);
      return s3.presign(key, {
        "response-content-type": mime,
        "response-content-disposition": contentDisposition(disposition, filename),
      }, expiresIn);
    },
  };
}

async function upload(s3: S3Client, key: string, body: Body): Promise<number> {
  const blocks = blocksOf(body, PART_SIZE);
  const first = (await blocks.next()).value ?? new Uint8Array();
  if (first.length === PART_SIZE) return await uploadParts(s3, key, first, blocks);
  await text(s3.request({ method: "PUT", key, body: first }));
  return first.length;
}

async function uploadParts(
  s3: S3Client,
  key: string,
  first: Uint8Array<ArrayBuffer>,
  rest: AsyncGenerator<Uint8Array<ArrayBuffer>>,
): Promise<number> {
  let uploadId = "";
  try {
    uploadId = await startUpload(s3, key);
    const etags = [await uploadPart(s3, key, uploadId, 1, first)];
    let size = first.length;
    for await (const part of rest) {
      etags.push(await uploadPart(s3, key, uploadId, etags.length + 1, part));
      size += part.length;
    }
    await completeUpload(s3, key, uploadId, etags);
    return size;
  } catch (error) {
    await rest.return(undefined);
    if (uploadId) await abandonUpload(s3, key, uploadId);
    throw error;
  }
}

async function startUpload(s3: S3Client, key: string): Promise<string> {
  const xml = await text(s3.request({ method: "POST", key, query: { uploads: "" } }));
  return required(xmlText(xml, "UploadId"), "UploadId");
}

async function uploadPart(
  s3: S3Client,
  key: string,
  uploadId: string,
  number: number,
  body: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const query = { partNumber: String(number), uploadId };
  const answer = await s3.request({ method: "PUT", key, query, body });
  if (!answer.ok) throw await failure(answer);
  await answer.body?.cancel();
  return required(answer.headers.get("etag"), "ETag");
}

async function completeUpload(s3: S3Client, key: string, uploadId: string, etags: string[]) {
  const parts = etags.map((etag, i) =>
    `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag.replaceAll('"', "&quot;")}</ETag></Part>`
  );
  const body = new TextEncoder().encode(
    `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`,
  );
  const xml = await text(s3.request({ method: "POST", key, query: { uploadId }, body }));
  // The service starts its 200 before it is done, so a failure may stand in the body.
  if (xml.includes("<Error>")) throw await failure(new Response(xml, { status: 500 }));
}

/** Aborts an upload that has failed already: that failure is the one to report, not this one. */
async function abandonUpload(s3: S3Client, key: string, uploadId: string): Promise<void> {
  try {
    await abortUpload(s3, key, uploadId);
  } catch (error) {
    log.warn("Cannot abort the upload of {key}, its parts stay until a sweep: {error}", {
      key,
      error,
    });
  }
}

async function abortUpload(s3: S3Client, key: string, uploadId: string): Promise<void> {
  const answer = await s3.request({ method: "DELETE", key, query: { uploadId } });
  if (!answer.ok && answer.status !== 404) throw await failure(answer);
  await answer.body?.cancel();
}

async function download(
  s3: S3Client,
  key: string,
  range?: ByteRange,
): Promise<OpenObject | null> {
  const headers: Record<string, string> = range ? { range: rangeHeader(range) } : {};
  const answer = await s3.request({ method: "GET", key, headers });
  if (answer.status === 404) return await absent(answer);
  if (answer.status === 416) throw await outside(answer);
  if (!answer.ok) throw await failure(answer);
  const stored = describe(answer);
  const { start, end } = range ?? { start: 0, end: stored.size - 1 };
  if (end >= stored.size) throw await outside(answer);
  const chunks = resuming(s3, key, answer, { start, end });
  return { ...stored, body: exactStream(chunks, end - start + 1, () => chunks.close()) };
}

/** The chunks of an answer; when it breaks off, of further answers for what is left of the range. */
function resuming(s3: S3Client, key: string, first: Response, { start, end }: ByteRange) {
  const etag = first.headers.get("etag") ?? "";
  let reader = first.body?.getReader();
  let at = start;
  let resumes = 0;

  async function next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const result = await reader?.read().catch((cause: unknown) => ({ cause }));
    if (result && "value" in result && result.value) {
      at += result.value.length;
      return { done: false, value: result.value };
    }
    if (at > end) return { done: true, value: undefined };
    if (++resumes > MAX_RESUMES) throw brokenOff(result);
    await resume();
    return await next();
  }

  async function resume(): Promise<void> {
    const headers = { range: rangeHeader({ start: at, end }), "if-match": etag };
    const answer = await s3.request({ method: "GET", key, headers });
    if (answer.status !== 206) throw await failure(answer);
    reader = answer.body?.getReader();
  }

  return { next, close: () => reader?.cancel() };
}

async function* listObjects(s3: S3Client, prefix: string): ReturnType<Storage["list"]> {
  const query: Record<string, string> = { "list-type": "2", prefix };
  for (;;) {
    const xml = await text(s3.request({ method: "GET", query }));
    for (const [item] of xml.matchAll(/<Contents>.*?<\/Contents>/gs)) {
      const key = xmlText(item, "Key") ?? "";
      const modifiedAt = new Date(xmlText(item, "LastModified") ?? 0);
      // A bucket may hold what others put there.
      if (isKey(key)) yield { key, size: Number(xmlText(item, "Size")), modifiedAt };
    }
    const token = xmlText(xml, "NextContinuationToken");
    if (!token) return;
    query["continuation-token"] = token;
  }
}

/** Aborts the multipart uploads under our keys that were begun before `before`. */
async function sweepUploads(s3: S3Client, before: Date): Promise<number> {
  const xml = await text(s3.request({ method: "GET", query: { uploads: "" } }));
  let count = 0;
  for (const [item] of xml.matchAll(/<Upload>.*?<\/Upload>/gs)) {
    const [key = "", uploadId = ""] = [xmlText(item, "Key"), xmlText(item, "UploadId")];
    if (!isKey(key) || new Date(xmlText(item, "Initiated") ?? NaN) >= before) continue;
    await abortUpload(s3, key, uploadId);
    count++;
  }
  return count;
}

async function text(request: Promise<Response>): Promise<string> {
  const answer = await request;
  if (!answer.ok) throw await failure(answer);
  return await answer.text();
}

function describe({ headers }: Response): StoredObject {
  const total = headers.get("content-range")?.split("/")[1] ?? headers.get("content-length");
  const modified = headers.get("last-modified");
  return {
    size: Number(required(total, "Content-Length")),
    modifiedAt: new Date(required(modified, "Last-Modified")),
  };
}

/** A 404 for the bucket is a misconfiguration, not a missing object. */
async function absent(answer: Response): Promise<null> {
  const xml = await answer.text();
  if (xmlText(xml, "Code") === "NoSuchBucket") throw await failure(new Response(xml, answer));
  return null;
}

async function outside(answer: Response): Promise<Problem> {
  await answer.body?.cancel();
  return new Problem("range_not_satisfiable", "Cannot read bytes outside the object");
}

function rangeHeader({ start, end }: ByteRange): string {
  return `bytes=${start}-${end}`;
}

function required(value: string | null | undefined, name: string): string {
  if (value) return value;
  const cause = new Error(`S3 sent no ${name}`);
  throw new Problem("unavailable", "Cannot understand the file storage", { cause });
}

function brokenOff(cause: unknown): Problem {
  return new Problem("unavailable", "Cannot read the object: the download broke off", { cause });
}

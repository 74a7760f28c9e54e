import { AwsV4Signer } from "aws4fetch";
import { Problem } from "../errors.ts";

export type S3Options = {
  bucket: string;
  /** Base address of the service, for example `http://127.0.0.1:9000`; AWS's own when absent. */
  endpoint?: string;
  /** Default `us-east-1`. */
  region?: string;
  accessKey: string;
  secretKey: string;
  fetch?: typeof fetch;
  now?: () => number;
  /** Waits so many milliseconds between two tries. */
  sleep?: (ms: number) => Promise<void>;
  /** From 0 to below 1: jitter. */
  random?: () => number;
};

export type S3Request = {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Object key; the bucket itself when absent. */
  key?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer>;
};

export type S3Client = ReturnType<typeof createS3Client>;

const MAX_TRIES = 5;
const BASE_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;
/** Until the answer's headers; a part of 8 MB has this long to go up. */
const ANSWER_TIMEOUT_MS = 60_000;
const PASSING = new Set([429, 500, 502, 503, 504]);

/**
 * Signed requests to an S3 bucket (AWS Signature Version 4, path-style addresses). The body's
 * SHA-256 is signed, so bytes damaged on their way are refused by the service. What may pass
 * (429, 5xx, SlowDown, resets, time-outs) is tried 5 times with exponential backoff and full jitter.
 */
export function createS3Client(options: S3Options) {
  const { bucket, accessKey, secretKey, region = "us-east-1", fetch: send = fetch } = options;
  const { now = Date.now, sleep = wait, random = Math.random } = options;
  const base = (options.endpoint ?? `https://s3.${region}.amazonaws.com`).replace(/\/+$/, "");
  const cache = new Map<string, ArrayBuffer>();

  function address({ key, query }: Pick<S3Request, "key" | "query">): URL {
    const url = new URL(`${base}/${bucket}${key ? `/${key}` : ""}`);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value);
    return url;
  }

  async function sign(request: S3Request, signQuery = false) {
    const { method, headers } = request;
    const signer = new AwsV4Signer({
      method,
      headers: signQuery
        ? {}
        : { ...headers, "x-amz-content-sha256": await sha256(request.body ?? new Uint8Array()) },
      url: address(request).href,
      accessKeyId: accessKey,
      secretAccessKey: secretKey,
      service: "s3",
      datetime: new Date(now()).toISOString().replace(/[:-]|\.\d{3}/g, ""),
      region,
      cache,
      signQuery,
    });
    return await signer.sign();
  }

  async function attempt(request: S3Request): Promise<Response> {
    const { url, headers } = await sign(request);
    const timeout = new AbortController();
    const timer = setTimeout(
      () => timeout.abort(new Error("No answer in time")),
      ANSWER_TIMEOUT_MS,
    );
    try {
      const { method, body } = request;
      return await send(url, { method, headers, body, redirect: "manual", signal: timeout.signal });
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    /** The answer, whatever its status once tries are used up; its body must be read or cancelled. */
    async request(request: S3Request): Promise<Response> {
      for (let tries = 1;; tries++) {
        const answer = await attempt(request).catch((cause: unknown) => unreachable(cause));
        const passing = answer instanceof Problem || PASSING.has(answer.status);
        if (!passing || tries === MAX_TRIES) {
          if (answer instanceof Problem) throw answer;
          return answer;
        }
        if (answer instanceof Response) await answer.body?.cancel();
        await sleep(random() * Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** tries));
      }
    },
    /** An address with its signature in the query, good for `expiresIn` seconds. */
    async presign(key: string, query: Record<string, string>, expiresIn: number): Promise<string> {
      const signed = { ...query, "X-Amz-Expires": String(expiresIn) };
      return (await sign({ method: "GET", key, query: signed }, true)).url.href;
    },
  };
}

/** The problem that an answer of the service amounts to; consumes its body. */
export async function failure(answer: Response): Promise<Problem> {
  const code = xmlText(await answer.text(), "Code") ?? "no code";
  const cause = new Error(`S3 answered ${answer.status} ${code}`);
  if (answer.status === 507 || /StorageFull|QuotaExceeded/.test(code)) {
    return new Problem("storage_full", "Cannot store the file: the storage is full", { cause });
  }
  return new Problem("unavailable", "Cannot use the file storage at the moment", {
    cause,
    retryAfter: 5,
  });
}

/** The text of the first element of that name, entities decoded. */
export function xmlText(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return text?.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (_, hex, decimal, entity) => {
    if (entity) return ENTITIES[entity] ?? "";
    return String.fromCodePoint(hex ? parseInt(hex, 16) : parseInt(decimal));
  });
}

const ENTITIES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

function unreachable(cause: unknown): Problem {
  return new Problem("unavailable", "Cannot reach the file storage", { cause, retryAfter: 5 });
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

import assert from "node:assert/strict";
import { AwsV4Signer } from "aws4fetch";
import { createS3Storage, type S3Options } from "../../../lib/storage/s3.ts";
import { bytesOf, isProblem, pattern, stream, testStorage } from "./conformance.ts";

const { TEST_S3_ENDPOINT, TEST_S3_BUCKET, TEST_S3_ACCESS_KEY, TEST_S3_SECRET_KEY } = Deno.env
  .toObject();

function realOptions(): S3Options {
  assert.ok(TEST_S3_BUCKET && TEST_S3_ACCESS_KEY && TEST_S3_SECRET_KEY);
  return {
    endpoint: TEST_S3_ENDPOINT,
    bucket: TEST_S3_BUCKET,
    accessKey: TEST_S3_ACCESS_KEY,
    secretKey: TEST_S3_SECRET_KEY,
  };
}

const ignore = !TEST_S3_ENDPOINT;

testStorage(
  "s3",
  () => Promise.resolve({ storage: createS3Storage(realOptions()), close() {} }),
  ignore,
);

Deno.test({
  name: "s3 storage signedUrl() opens the object with the name and type that it signs",
  ignore,
  fn: async () => {
    const storage = createS3Storage(realOptions());
    const key = `t-${crypto.randomUUID()}/image/original`;
    await storage.put(key, pattern(10));
    const options = {
      expiresIn: 60,
      filename: 'é "x".jpg',
      mime: "image/jpeg",
      disposition: "attachment" as const,
    };
    const url = await storage.signedUrl!(key, options);
    const answer = await fetch(url);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "image/jpeg");
    assert.equal(
      answer.headers.get("content-disposition"),
      `attachment; filename="_ _x_.jpg"; filename*=UTF-8''%C3%A9%20%22x%22.jpg`,
    );
    assert.deepEqual(new Uint8Array(await answer.arrayBuffer()), pattern(10));
    const tampered = await fetch(url.replace("Expires=60", "Expires=600"));
    assert.equal(tampered.status, 403);
    await tampered.body?.cancel();
    await storage.delete(key);
  },
});

Deno.test({
  name: "s3 storage with wrong credentials or no bucket is unavailable",
  ignore,
  fn: async () => {
    for (const wrong of [{ secretKey: "wrong" }, { bucket: "no-such-bucket" }]) {
      const storage = createS3Storage({ ...realOptions(), ...wrong });
      await assert.rejects(storage.check(), isProblem("unavailable"));
      await assert.rejects(storage.put("t/i/o", pattern(1)), isProblem("unavailable"));
      await assert.rejects(storage.get("t/i/o"), isProblem("unavailable"));
    }
  },
});

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and
// …/sigv4-query-string-auth.html: "GET Object" and the presigned URL of the same page.
const AWS_EXAMPLE = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  service: "s3",
  region: "us-east-1",
  datetime: "20130524T000000Z",
};

Deno.test("AwsV4Signer signs AWS's published examples as published", async () => {
  const get = await new AwsV4Signer({
    ...AWS_EXAMPLE,
    url: "https://examplebucket.s3.amazonaws.com/test.txt",
    headers: {
      range: "bytes=0-9",
      "x-amz-content-sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    },
    allHeaders: true,
  }).sign();
  assert.equal(
    get.headers.get("authorization"),
    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
      "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, " +
      "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  );
  const presigned = await new AwsV4Signer({
    ...AWS_EXAMPLE,
    url: "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Expires=86400",
    signQuery: true,
  }).sign();
  assert.equal(
    presigned.url.searchParams.get("X-Amz-Signature"),
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
  );
});

/** A storage whose service answers from a script; `calls` says what it was asked. */
function scripted(answers: (() => Response | Error)[]) {
  const calls: string[] = [];
  const waits: number[] = [];
  const storage = createS3Storage({
    bucket: "b",
    endpoint: "http://s3.test",
    accessKey: "a",
    secretKey: "s",
    now: () => 0,
    random: () => 0.5,
    sleep: (ms) => Promise.resolve(void waits.push(ms)),
    fetch: (input, init) => {
      const { pathname, search } = new URL(String(input));
      const range = new Headers(init?.headers).get("range");
      calls.push(`${init?.method} ${pathname}${search}${range ? ` ${range}` : ""}`);
      const answer = answers.shift()?.() ?? new Response(null, { status: 500 });
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
  return { storage, calls, waits };
}

const ok = (body: BodyInit | null = null, headers: HeadersInit = {}) => () =>
  new Response(body, { headers });
const status = (code: number, body = "") => () => new Response(body, { status: code });

Deno.test("s3 storage tries again with growing pauses when the service is busy", async () => {
  const { storage, calls, waits } = scripted([
    status(503, "<Error><Code>SlowDown</Code></Error>"),
    () => new TypeError("connection reset"),
    status(500),
    ok(),
  ]);
  await storage.put("t/i/o", pattern(3));
  assert.deepEqual(calls, Array(4).fill("PUT /b/t/i/o"));
  assert.deepEqual(waits, [100, 200, 400]);
});

Deno.test("s3 storage gives up after five tries, and at once on a refusal", async () => {
  const busy = scripted([]);
  await assert.rejects(busy.storage.put("t/i/o", pattern(3)), isProblem("unavailable"));
  assert.equal(busy.calls.length, 5);
  const refused = scripted([status(403, "<Error><Code>AccessDenied</Code></Error>")]);
  await assert.rejects(refused.storage.put("t/i/o", pattern(3)), isProblem("unavailable"));
  assert.equal(refused.calls.length, 1);
  const full = scripted([status(507, "<Error><Code>XMinioStorageFull</Code></Error>")]);
  await assert.rejects(full.storage.put("t/i/o", pattern(3)), isProblem("storage_full"));
});

Deno.test("s3 storage aborts a multipart upload when a part or its completion fails", async () => {
  const started = ok("<R><UploadId>u1</UploadId></R>");
  const part = ok(null, { etag: '"e"' });
  const large = () => stream([new Uint8Array(9 * 1_048_576)]);
  const failing = scripted([started, part, status(403), status(204)]);
  await assert.rejects(failing.storage.put("t/i/o", large()), isProblem("unavailable"));
  assert.equal(failing.calls.at(-1), "DELETE /b/t/i/o?uploadId=u1");
  const late = ok("<Error><Code>InternalError</Code></Error>");
  const incomplete = scripted([started, part, part, late, status(204)]);
  await assert.rejects(incomplete.storage.put("t/i/o", large()), isProblem("unavailable"));
  assert.equal(incomplete.calls.at(-1), "DELETE /b/t/i/o?uploadId=u1");
});

Deno.test("s3 storage resumes a download where it broke off", async () => {
  const headers = { "content-length": "6", "last-modified": "Thu, 01 Jan 1970 00:00:00 GMT" };
  const broken = (text: string, fail: boolean) =>
    new ReadableStream({
      start: (c) => c.enqueue(new TextEncoder().encode(text)),
      pull: (c) => fail ? c.error(new TypeError("reset")) : c.close(),
    });
  const { storage, calls } = scripted([
    ok(broken("ab", true), headers),
    () => new Response(broken("c", false), { status: 206 }),
    () => new Response("def", { status: 206 }),
  ]);
  const object = await storage.get("t/i/o");
  assert.ok(object);
  assert.equal(new TextDecoder().decode(await bytesOf(object.body)), "abcdef");
  assert.deepEqual(calls, [
    "GET /b/t/i/o",
    "GET /b/t/i/o bytes=2-5",
    "GET /b/t/i/o bytes=3-5",
  ]);
});

Deno.test("s3 storage reports a download that stays short", async () => {
  const headers = { "content-length": "6", "last-modified": "Thu, 01 Jan 1970 00:00:00 GMT" };
  const { storage } = scripted([
    ok("ab", headers),
    ...Array(3).fill(() => new Response("", { status: 206 })),
  ]);
  const object = await storage.get("t/i/o");
  assert.ok(object);
  await assert.rejects(bytesOf(object.body), isProblem("unavailable"));
});

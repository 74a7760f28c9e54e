import assert from "node:assert/strict";
import { Problem } from "../../../lib/errors.ts";
import { type MultipartOptions, readMultipart } from "../../../routes/shared/multipart.ts";

const BOUNDARY = "XbX";
const LIMITS = { maxFileBytes: 1_000, maxFiles: 3, maxFields: 5, maxFieldBytes: 100 };

type Read = { field: string; filename: string; mime: string; size: number };

async function sizeOf(body: ReadableStream<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of body) size += chunk.length;
  return size;
}

/** Reads a form with an `onFile` that counts bytes. */
function read(body: BodyInit, options: Partial<MultipartOptions<Read>> = {}, headers = {}) {
  const type = `multipart/form-data; boundary=${BOUNDARY}`;
  const request = new Request("http://x/", {
    method: "POST",
    body,
    headers: { "content-type": type, ...headers },
  });
  return readMultipart<Read>(request, {
    ...LIMITS,
    onFile: async ({ field, filename, mime, body }) => ({
      field,
      filename,
      mime,
      size: await sizeOf(body),
    }),
    ...options,
  });
}

function part(headers: string, body: string): string {
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; ${headers}\r\n\r\n${body}\r\n`;
}

function file(filename: string, body = "x", type = "image/png"): string {
  return part(`name="file"; filename="${filename}"\r\nContent-Type: ${type}`, body);
}

const END = `--${BOUNDARY}--\r\n`;

async function* endless(start: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(start);
  for (;;) yield new Uint8Array(65_536).fill(120);
}

function isProblem(code: Problem["code"]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Problem, String(error));
    assert.equal(error.code, code);
    return true;
  };
}

Deno.test("readMultipart() gives fields and files in their order", async () => {
  const form = await read(
    part('name="title"', "Été") + file("a.png", "abc") + part('name="title"', "two") +
      file("é b.JPG", "", "IMAGE/JPEG") + END,
  );
  assert.deepEqual(form, {
    fields: { title: "two" },
    files: [
      { field: "file", filename: "a.png", mime: "image/png", size: 3 },
      { field: "file", filename: "é b.JPG", mime: "image/jpeg", size: 0 },
    ],
  });
});

Deno.test("readMultipart() reads what FormData writes, in chunks of any size", async () => {
  const form = new FormData();
  form.append("file", new Blob([new Uint8Array(900)], { type: "image/png" }), "café.png");
  form.append("labels", "cat,dog");
  const request = new Request("http://x/", { method: "POST", body: form });
  const type = request.headers.get("content-type") ?? "";
  const bytes = await request.bytes();
  for (const size of [1, 7, 1_000]) {
    const chunks = function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
    };
    const { fields, files } = await read(ReadableStream.from(chunks()), {}, {
      "content-type": type,
    });
    assert.deepEqual(fields, { labels: "cat,dog" });
    assert.equal(files[0]?.size, 900);
    assert.equal(files[0]?.filename, "café.png");
  }
});

Deno.test("readMultipart() keeps the order of a small chunk before a large one", async () => {
  const head = new TextEncoder().encode(file("a.png", "").replace(/\r\n$/, ""));
  const tail = new TextEncoder().encode("\r\n" + END);
  const chunks = [head, new Uint8Array(40_000), new Uint8Array(10), new Uint8Array(20_000), tail];
  const { files } = await read(ReadableStream.from(chunks), { maxFileBytes: 100_000 });
  assert.deepEqual(files.map(({ filename, size }) => [filename, size]), [["a.png", 60_010]]);
});

Deno.test("readMultipart() leaves out a file input in which nothing was chosen", async () => {
  const form = await read(file("", "", "application/octet-stream") + END);
  assert.deepEqual(form.files, []);
});

Deno.test("readMultipart() keeps names that are attacks as data", async () => {
  const { fields, files } = await read(
    part('name="__proto__"', "x") + file("../../etc/passwd") + END,
  );
  assert.equal(files[0]?.filename, "../../etc/passwd");
  assert.deepEqual(Object.entries(fields), [["__proto__", "x"]]);
  assert.equal(Object.getPrototypeOf(fields), Object.prototype);
});

const REFUSED: [string, Problem["code"], string, Record<string, string>?][] = [
  ["another content type", "invalid_request", "{}", { "content-type": "application/json" }],
  ["no boundary", "invalid_request", file("a") + END, { "content-type": "multipart/form-data" }],
  ["an empty boundary", "invalid_request", END, {
    "content-type": "multipart/form-data; boundary=",
  }],
  ["a boundary of 70,000 characters", "invalid_request", "x", {
    "content-type": `multipart/form-data; boundary=${"b".repeat(70_000)}`,
  }],
  ["a compressed body", "unsupported_type", file("a") + END, { "content-encoding": "gzip" }],
  ["no final boundary", "invalid_request", file("a")],
  ["a body cut off in a file", "invalid_request", file("a", "y".repeat(500)).slice(0, 300)],
  ["a body cut off in a part's headers", "invalid_request", file("a").slice(0, 40)],
  ["an empty body", "invalid_request", ""],
  ["no part at all", "invalid_request", "not a form"],
  ["huge part headers", "invalid_request", file(`a"\r\nX: ${"h".repeat(100_000)}`) + END],
  ["many part headers", "invalid_request", file(`a"${"\r\nX: 1".repeat(10_000)}`) + END],
  ["a NUL in a name", "invalid_request", file("a\0.html") + END],
  ["a file one byte too large", "too_large", file("a", "y".repeat(1_001)) + END],
  ["one file too many", "too_large", file("a").repeat(4) + END],
  ["one field too many", "too_large", part('name="a"', "b").repeat(6) + END],
  ["100,000 parts", "too_large", part('name="a"', "b").repeat(100_000) + END],
  [
    "100,000 parts without a name",
    "too_large",
    `--${BOUNDARY}\r\nX: 1\r\n\r\n\r\n`.repeat(100_000),
  ],
  ["a field too long", "too_large", part('name="a"', "b".repeat(101)) + END],
];

for (const [what, code, body, headers] of REFUSED) {
  Deno.test(`readMultipart() refuses ${what}`, async () => {
    await assert.rejects(read(body, {}, headers), isProblem(code));
  });
}

Deno.test("readMultipart() accepts exactly what the limits allow", async () => {
  const { fields, files } = await read(
    file("a", "y".repeat(1_000)).repeat(3) + part('name="a"', "b".repeat(100)).repeat(5) + END,
  );
  assert.deepEqual(files.map(({ size }) => size), [1_000, 1_000, 1_000]);
  assert.equal(fields.a?.length, 100);
});

Deno.test("readMultipart() refuses an endless file without reading it all", async () => {
  let failed: unknown;
  const onFile = async ({ body }: { body: ReadableStream<Uint8Array> }): Promise<Read> => {
    const size = await sizeOf(body).catch((error) => {
      failed = error;
      throw error;
    });
    return { field: "", filename: "", mime: "", size };
  };
  const start = file("a").slice(0, -2);
  await assert.rejects(
    read(ReadableStream.from(endless(start)), { onFile }),
    isProblem("too_large"),
  );
  assert.ok(isProblem("too_large")(failed), "whoever stores the file learns of it");
});

Deno.test("readMultipart() bounds what stands before the first part and in nameless parts", async () => {
  for (const start of ["", `--${BOUNDARY}\r\nX: 1\r\n\r\n`]) {
    await assert.rejects(read(ReadableStream.from(endless(start))), isProblem("too_large"));
  }
});

Deno.test("readMultipart() hands out a file while it arrives, and holds the client back", async () => {
  let sent = 0;
  const source = (function* () {
    yield new TextEncoder().encode(file("a").slice(0, -3));
    for (; sent < 100; sent++) yield new Uint8Array(65_536).fill(120);
    yield new TextEncoder().encode(`\r\n${END}`);
  })();
  const onFile = async ({ body }: { body: ReadableStream<Uint8Array> }): Promise<Read> => {
    const reader = body.getReader();
    let size = (await reader.read()).value?.length ?? 0;
    for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => setTimeout(resolve));
    assert.ok(sent < 10, `${sent} chunks were taken while nobody read`);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return { field: "", filename: "", mime: "", size };
      size += value.length;
    }
  };
  const form = await read(ReadableStream.from(source), { onFile, maxFileBytes: 10_000_000 });
  assert.equal(form.files[0]?.size, 6_553_600);
});

Deno.test("readMultipart() fails the file's stream when the client goes away", async () => {
  const source = (function* () {
    yield new TextEncoder().encode(file("a", "y".repeat(100_000)));
    throw new Error("connection reset");
  })();
  let failed: unknown;
  const onFile = ({ body }: { body: ReadableStream<Uint8Array> }): Promise<Read> =>
    sizeOf(body).then(() => assert.fail("read to its end"), (error) => {
      failed = error;
      throw error;
    });
  const options = { onFile, maxFileBytes: 1_000_000 };
  await assert.rejects(read(ReadableStream.from(source), options), isProblem("invalid_request"));
  assert.ok(isProblem("invalid_request")(failed));
});

Deno.test("readMultipart() rethrows what onFile throws, and calls it no more", async () => {
  let calls = 0;
  const onFile = () => {
    calls++;
    return Promise.reject(new Problem("unsupported_type", "Cannot read this"));
  };
  const body = file("a", "x".repeat(900)).repeat(3) + END;
  await assert.rejects(read(body, { onFile }), isProblem("unsupported_type"));
  assert.equal(calls, 1);
});

Deno.test("readMultipart() reads on when onFile leaves a file unread or cancels it", async () => {
  const unread = () => Promise.resolve({ field: "", filename: "", mime: "", size: 0 });
  const cancelled = async ({ body }: { body: ReadableStream<Uint8Array> }) => {
    await body.cancel();
    return { field: "", filename: "", mime: "", size: 0 };
  };
  const large = file("a", "x".repeat(300_000));
  for (const onFile of [unread, cancelled]) {
    const form = await read(large + large + part('name="a"', "b") + END, {
      onFile,
      maxFileBytes: 300_000,
    });
    assert.equal(form.files.length, 2);
    assert.equal(form.fields.a, "b");
  }
});

Deno.test("readMultipart() waits for a running onFile before it fails", async () => {
  let ended = false;
  const onFile = async ({ body }: { body: ReadableStream<Uint8Array> }): Promise<Read> => {
    try {
      return { field: "", filename: "", mime: "", size: await sizeOf(body) };
    } finally {
      await new Promise((resolve) => setTimeout(resolve));
      ended = true;
    }
  };
  await assert.rejects(read(file("a", "y".repeat(900)), { onFile }), isProblem("invalid_request"));
  assert.ok(ended);
});

/** A body that sends a beginning and then nothing; `hungUp` resolves when it is cancelled. */
function silent() {
  const { promise: hungUp, resolve } = Promise.withResolvers<void>();
  const start = new TextEncoder().encode(file("a"));
  const body = new ReadableStream({ start: (c) => c.enqueue(start), cancel: () => resolve() });
  return { body, hungUp };
}

Deno.test("readMultipart() gives up a body that does not come, and hangs up", async () => {
  const { body, hungUp } = silent();
  const reading = read(body, { patienceMs: 1, lingerMs: 1 });
  await assert.rejects(reading, isProblem("request_timeout"));
  await hungUp;
});

Deno.test("readMultipart() stops when the caller aborts", async () => {
  const controller = new AbortController();
  const options = { signal: controller.signal, lingerMs: 1 };
  const [before, after] = [silent(), silent()];
  const reading = read(before.body, options);
  controller.abort(new Problem("unavailable", "Stopping"));
  await assert.rejects(reading, isProblem("unavailable"));
  await assert.rejects(read(after.body, options), isProblem("unavailable"));
  await Promise.all([before.hungUp, after.hungUp]);
});

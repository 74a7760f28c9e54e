import assert from "node:assert/strict";
import { Hono } from "hono";
import { Problem } from "../../../lib/errors.ts";
import { createMemoryStorage } from "../../../lib/storage/memory.ts";
import { serveObject, type ServeOptions } from "../../../routes/shared/serve_object.ts";

const KEY = "t/image/original";
const MODIFIED = Date.UTC(2024, 5, 15, 12, 0, 0, 500);
const OPTIONS: ServeOptions = {
  mime: "image/png",
  filename: "é.png",
  disposition: "inline",
  cacheControl: "private, max-age=60",
  etag: "abc",
};

/** Asks for "0123456789" (or `content`) stored under the key. */
async function ask(
  headers: Record<string, string> = {},
  { method = "GET", content = "0123456789", ...options }: Partial<ServeOptions> & {
    method?: string;
    content?: string;
  } = {},
): Promise<Response> {
  const storage = createMemoryStorage({ now: () => MODIFIED });
  await storage.put(KEY, new TextEncoder().encode(content));
  const app = new Hono()
    .get("/:id", (c) =>
      serveObject(c, storage, `t/${c.req.param("id")}/original`, {
        ...OPTIONS,
        ...options,
      }))
    .onError((error, c) => {
      assert.ok(error instanceof Problem, String(error));
      return c.body(error.code, { status: error.status as 404, headers: error.extras.headers });
    });
  return await app.request("/image", { method, headers });
}

Deno.test("serveObject() answers with the object and headers that disarm it", async () => {
  const answer = await ask();
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), "0123456789");
  assert.deepEqual(Object.fromEntries(answer.headers), {
    "accept-ranges": "bytes",
    "cache-control": "private, max-age=60",
    "content-disposition": `inline; filename="_.png"; filename*=UTF-8''%C3%A9.png`,
    "content-length": "10",
    "content-security-policy": "default-src 'none'; sandbox",
    "content-type": "image/png",
    "cross-origin-resource-policy": "same-origin",
    "etag": '"abc"',
    "last-modified": "Sat, 15 Jun 2024 12:00:00 GMT",
    "x-content-type-options": "nosniff",
  });
});

Deno.test("serveObject() never shows inline what can carry script", async () => {
  for (const mime of ["text/html", "image/svg+xml", "application/pdf", "image/png; x=text/html"]) {
    const answer = await ask({}, { mime });
    assert.match(answer.headers.get("content-disposition") ?? "", /^attachment;/, mime);
    await answer.body?.cancel();
  }
});

Deno.test("serveObject() answers HEAD like GET, without the bytes", async () => {
  const answer = await ask({}, { method: "HEAD" });
  assert.equal(answer.headers.get("content-length"), "10");
  assert.equal(await answer.text(), "");
});

Deno.test("serveObject() makes an entity tag where none is given", async () => {
  const [one, two] = [await ask({}, { etag: undefined }), await ask({}, { etag: undefined })];
  assert.match(one.headers.get("etag") ?? "", /^"[0-9a-z]+-[0-9a-z]+"$/);
  assert.equal(one.headers.get("etag"), two.headers.get("etag"));
});

const RANGES: [range: string, status: number, body: string, contentRange: string | null][] = [
  ["bytes=0-0", 206, "0", "bytes 0-0/10"],
  ["bytes=2-5", 206, "2345", "bytes 2-5/10"],
  ["bytes=7-", 206, "789", "bytes 7-9/10"],
  ["bytes=-3", 206, "789", "bytes 7-9/10"],
  ["bytes=-99", 206, "0123456789", "bytes 0-9/10"],
  [`bytes=5-${"9".repeat(400)}`, 206, "56789", "bytes 5-9/10"],
  ["bytes=10-", 416, "range_not_satisfiable", "bytes */10"],
  ["bytes=-0", 416, "range_not_satisfiable", "bytes */10"],
  [`bytes=${"9".repeat(400)}-`, 416, "range_not_satisfiable", "bytes */10"],
  ["bytes=5-2", 200, "0123456789", null],
  ["bytes=-", 200, "0123456789", null],
  ["bytes=--5", 200, "0123456789", null],
  ["bytes=a-b", 200, "0123456789", null],
  ["lines=0-1", 200, "0123456789", null],
  ["bytes=0-1,4-5", 200, "0123456789", null],
  [`bytes=${"0-1,".repeat(10_000)}0-1`, 200, "0123456789", null],
];

for (const [range, status, body, contentRange] of RANGES) {
  Deno.test(`serveObject() answers Range ${range.slice(0, 30)} with ${status}`, async () => {
    const answer = await ask({ range });
    assert.equal(answer.status, status);
    assert.equal(await answer.text(), body);
    assert.equal(answer.headers.get("content-range"), contentRange);
  });
}

Deno.test("serveObject() answers any range of an empty object with 416", async () => {
  for (const range of ["bytes=0-0", "bytes=-1", "bytes=0-"]) {
    assert.equal((await ask({ range }, { content: "" })).status, 416);
  }
  assert.equal((await ask({}, { content: "" })).status, 200);
});

Deno.test("serveObject() answers 304 to who has it already", async () => {
  for (const tags of ['"abc"', 'W/"abc"', '"x", "abc"', "*"]) {
    const answer = await ask({ "if-none-match": tags, range: "bytes=0-1" });
    assert.equal(answer.status, 304, tags);
    assert.equal(answer.headers.get("etag"), '"abc"');
  }
  const since = (date: string) => ask({ "if-modified-since": date });
  assert.equal((await since("Sat, 15 Jun 2024 12:00:00 GMT")).status, 304);
  assert.equal((await since("Sat, 15 Jun 2024 11:59:59 GMT")).status, 200);
  assert.equal((await since("yesterday")).status, 200);
  assert.equal((await ask({ "if-none-match": '"x"' })).status, 200);
});

Deno.test("serveObject() ignores the range of another version", async () => {
  const ask2 = (condition: string) => ask({ range: "bytes=0-1", "if-range": condition });
  assert.equal((await ask2('"abc"')).status, 206);
  assert.equal((await ask2("Sat, 15 Jun 2024 12:00:00 GMT")).status, 206);
  for (const other of ['"x"', 'W/"abc"', "Sat, 15 Jun 2024 12:00:01 GMT", ""]) {
    assert.equal((await ask2(other)).status, 200, other);
  }
});

Deno.test("serveObject() answers not_found for what is not there", async () => {
  const storage = createMemoryStorage();
  const app = new Hono().get("/", (c) => serveObject(c, storage, "t/image/none", OPTIONS))
    .onError((error, c) => c.body(error instanceof Problem ? error.code : "bug", 404));
  assert.equal(await (await app.request("/")).text(), "not_found");
});

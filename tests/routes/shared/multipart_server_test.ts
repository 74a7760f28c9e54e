import assert from "node:assert/strict";
import { Problem } from "../../../lib/errors.ts";
import { createLocalStorage } from "../../../lib/storage/local.ts";
import { readMultipart } from "../../../routes/shared/multipart.ts";

const START = '--X\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n';
const encoder = new TextEncoder();

/** A server that stores an uploaded file of at most 1 MB; `refused` resolves with its first refusal. */
async function withServer(
  test: (port: number, root: string, refused: Promise<Problem>) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  const storage = createLocalStorage({ root });
  const refusal = Promise.withResolvers<Problem>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    try {
      const form = await readMultipart(request, {
        maxFileBytes: 1_000_000,
        maxFiles: 1,
        onFile: ({ body }) => storage.put(`t/${crypto.randomUUID()}/original`, body),
      });
      return Response.json(form.files.map(({ size }) => size), { status: 201 });
    } catch (error) {
      assert.ok(error instanceof Problem, String(error));
      refusal.resolve(error);
      return new Response(error.code, { status: error.status });
    }
  });
  try {
    await test(server.addr.port, root, refusal.promise);
  } finally {
    await server.shutdown();
    await Deno.remove(root, { recursive: true });
  }
}

/** Writes the head of a form of `length` bytes and the beginning of its file. */
async function begin(port: number, length: number): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=X\r\n` +
    `Content-Length: ${length}\r\nConnection: close\r\n\r\n${START}`;
  await connection.write(encoder.encode(head));
  return connection;
}

async function temporaryFiles(root: string): Promise<string[]> {
  return await Array.fromAsync(Deno.readDir(`${root}/tmp`), ({ name }) => name);
}

Deno.test("readMultipart() lets a client that writes before it reads see the refusal", () =>
  withServer(async (port, root) => {
    const bytes = new Uint8Array(1_800_000);
    const connection = await begin(port, START.length + bytes.length);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    const answer = await new Response(connection.readable).text();
    assert.match(answer, /^HTTP\/1\.1 413 [^]*too_large$/);
    assert.deepEqual(await temporaryFiles(root), []);
  }));

Deno.test("readMultipart() leaves nothing behind of a client that goes away", () =>
  withServer(async (port, root, refused) => {
    const connection = await begin(port, 900_000);
    await connection.write(new Uint8Array(200_000));
    connection.close();
    assert.equal((await refused).code, "invalid_request");
    assert.deepEqual(await temporaryFiles(root), []);
  }));

/** A web server that does what no web server should; on loopback, for the tests of `lib/net`. */
import { Buffer } from "node:buffer";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import zlib from "node:zlib";

type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void;
export type Hit = { method: string; path: string; headers: http.IncomingHttpHeaders };

const MB = 1024 * 1024;
const ZEROS = new Uint8Array(64 * MB);

function encoded(encoding: string, body: Uint8Array): Handler {
  return (_request, response) => {
    response.writeHead(200, { "content-type": "text/html", "content-encoding": encoding });
    response.end(body);
  };
}

function raw(text: string, end = true): Handler {
  return ({ socket }) => void (end ? socket.end(text) : socket.write(text));
}

const TEXT = new TextEncoder().encode("<p>Bonjour");

const ROUTES: Record<string, Handler> = {
  "/page": (_, response) =>
    response.setHeader("content-type", "text/html; charset=utf-8").end(TEXT),
  "/echo": (request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const { method, headers } = request;
      response.setHeader("set-cookie", "a=1");
      response.end(JSON.stringify({ method, headers, body: Buffer.concat(chunks).toString() }));
    });
  },
  "/redirect": (_, response, url) => {
    const code = Number(url.searchParams.get("code") ?? 302);
    response.writeHead(code, { location: url.searchParams.get("to") ?? "" }).end();
  },
  "/loop": (_, response, url) => {
    const left = Number(url.searchParams.get("left") ?? 30);
    if (left === 0) response.end("there");
    else response.writeHead(302, { location: `/loop?left=${left - 1}` }).end();
  },
  "/missing": (_, response) => response.writeHead(404, { "content-type": "text/html" }).end(TEXT),
  "/pdf": (_, response) => response.setHeader("content-type", "application/pdf").end("%PDF"),
  "/gzip": encoded("gzip", zlib.gzipSync(TEXT)),
  "/x-gzip": encoded("X-GZIP", zlib.gzipSync(TEXT)),
  "/br": encoded("br", zlib.brotliCompressSync(TEXT)),
  "/deflate": encoded("deflate", zlib.deflateSync(TEXT)),
  "/deflate-raw": encoded("deflate", zlib.deflateRawSync(TEXT)),
  "/gzip-bomb": encoded("gzip", zlib.gzipSync(ZEROS)),
  "/br-bomb": encoded("br", zlib.brotliCompressSync(ZEROS)),
  "/deflate-bomb": encoded("deflate", zlib.deflateSync(ZEROS)),
  "/double-gzip": encoded("gzip, gzip", zlib.gzipSync(zlib.gzipSync(TEXT))),
  "/unknown-encoding": encoded("zstd", TEXT),
  "/not-gzip": encoded("gzip", TEXT),
  "/cut-gzip": encoded("gzip", zlib.gzipSync(TEXT).subarray(0, 15)),
  "/large": (_, response) => void response.end(ZEROS.subarray(0, 6 * MB)),
  "/endless": (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(ZEROS.subarray(0, 65_536)));
    };
    response.on("drain", more);
    more();
  },
  "/drip": (_, response) => void response.write("a"),
  "/hang": () => {},
  "/reset": ({ socket }) => socket.destroy(),
  "/half-header": raw("HTTP/1.1 200 OK\r\nContent-Len", false),
  "/huge-header": raw(`HTTP/1.1 200 OK\r\nX: ${"a".repeat(MB)}\r\n\r\nx`),
  "/many-headers": raw(`HTTP/1.1 200 OK\r\n${"X: a\r\n".repeat(100_000)}\r\nx`),
  "/huge-length": raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx", false),
  "/short-body": raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx"),
  "/cut-chunk": raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"),
  "/smuggled": raw(
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
  ),
  "/garbage": raw("SSH-2.0-OpenSSH_9.2\r\n"),
};

/** Starts it at a free port; `host` may be any loopback address. */
export async function startHostileSite(host: string) {
  const hits: Hit[] = [];
  const { promise: heard, resolve: hear } = Promise.withResolvers<void>();
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const server = http.createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://site");
    hits.push({ method: request.method ?? "", path: url.pathname, headers: request.headers });
    request.socket.on("error", () => {});
    response.on("close", leave);
    (ROUTES[url.pathname] ?? ROUTES["/page"]!)(request, response, url);
    hear();
  });
  await new Promise<void>((ready) => server.listen(0, host, ready));
  const address = server.address();
  if (!address || typeof address === "string") throw new Error("The site has no port");
  const { port } = address;

  return {
    port,
    url: (path: string) => `http://${host}:${port}${path}`,
    /** Every request that arrived. */
    hits,
    /** Settles when the first request arrives, */
    heard,
    /** and when its exchange has ended, one way or the other. */
    left,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

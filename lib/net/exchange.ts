import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Target } from "./targets.ts";

export type Message = {
  method: string;
  headers: Record<string, string>;
  body?: Uint8Array | string;
};

/** All response headers together; sites with long policies send about 20 KB. */
const MAX_HEADER_BYTES = 64 * 1024;

/**
 * Sends one request on a connection of its own to one of the checked addresses, and gives the
 * answer once its headers are there. TLS names and verifies the host of the URL. Nothing is
 * followed, kept or decoded. When the signal aborts, the connection ends, the body's too.
 */
export function exchange(
  { url, addresses }: Target,
  { method, headers, body }: Message,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request: ClientRequest = send({
    hostname,
    port: url.port || (url.protocol === "https:" ? 443 : 80),
    path: url.pathname + url.search,
    method,
    headers: { ...headers, host: url.host },
    agent: false,
    lookup: pinned(addresses),
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
    ...(!isIP(hostname) && { servername: hostname }),
    rejectUnauthorized: true,
  });
  request.on("response", resolve);
  // Also after the response: an abort reports itself here once more.
  request.on("error", reject);
  request.on("close", () => reject(new Error("the connection ended without an answer")));
  request.end(body);
  return promise;
}

/** Answers every look-up with what was checked: the name cannot have moved in the meantime. */
function pinned(addresses: string[]): LookupFunction {
  const found = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_name, options, done) => {
    if (options.all) done(null, found);
    else done(null, found[0]!.address, found[0]!.family);
  };
}

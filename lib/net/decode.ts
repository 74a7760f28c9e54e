import { promisify } from "node:util";
import zlib from "node:zlib";

/** What a request may offer as `Accept-Encoding`. */
export const ENCODINGS = "gzip, deflate, br";

const DECODERS = {
  gzip: promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.gunzip),
  zlib: promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.inflate),
  raw: promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.inflateRaw),
  br: promisify<Uint8Array, zlib.BrotliOptions, Uint8Array>(zlib.brotliDecompress),
};

/**
 * Undoes a `Content-Encoding` (RFC 9110, 8.4.1). Stops with an error as soon as there are more than
 * `maxBytes`; encodings that are unknown, or stacked, are errors too.
 */
export async function decode(
  body: Uint8Array,
  encoding: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const decoder = decoderFor(encoding.trim().toLowerCase(), body);
  if (!decoder || body.length === 0) return body;
  const bytes = await decoder(body, { maxOutputLength: maxBytes });
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function decoderFor(encoding: string, body: Uint8Array) {
  switch (encoding) {
    case "":
    case "identity":
      return null;
    case "gzip":
    case "x-gzip":
      return DECODERS.gzip;
    case "deflate":
      // The standard means zlib's format; some servers send it bare. RFC 1950: method 8.
      return (body[0]! & 0x0f) === 8 ? DECODERS.zlib : DECODERS.raw;
    case "br":
      return DECODERS.br;
    default:
      throw new Error(`Cannot decode the content encoding "${encoding.slice(0, 40)}"`);
  }
}

/** What travels between a sandbox and its child: one JSON header, then raw blobs. */
export type Message = { header: unknown; blobs: Uint8Array[] };

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json | undefined };

/** Upper bounds of one message; a peer that claims more is broken or hostile. */
export const MAX_HEADER_BYTES = 4 * 1024 * 1024;
export const MAX_BLOBS = 64;
export const MAX_MESSAGE_BYTES = 512 * 1024 * 1024;

/**
 * The bytes in front of the blobs: `u32 header length, header, u32 number of blobs, u32 length…`
 * (little-endian). The blobs follow, one after the other, without anything between them.
 */
export function encodePreamble(header: Json, blobLengths: number[]): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  checkBounds(json.length, blobLengths);
  const bytes = new Uint8Array(4 + json.length + 4 + 4 * blobLengths.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, json.length, true);
  bytes.set(json, 4);
  [blobLengths.length, ...blobLengths].forEach((value, index) =>
    view.setUint32(4 + json.length + 4 * index, value, true)
  );
  return bytes;
}

/** Reads one message; null when the stream ends first. Throws when the bytes are no message. */
export async function readMessage(reader: ReadableStreamBYOBReader): Promise<Message | null> {
  try {
    return await readParts(reader);
  } catch (error) {
    if (error instanceof Deno.errors.UnexpectedEof) return null;
    throw error;
  }
}

async function readParts(reader: ReadableStreamBYOBReader): Promise<Message> {
  const prefix = await exactly(reader, 4);
  const headerLength = uint32s(prefix)[0]!;
  checkBounds(headerLength, []);
  const header: unknown = JSON.parse(new TextDecoder().decode(await exactly(reader, headerLength)));
  const count = uint32s(await exactly(reader, 4))[0]!;
  if (count > MAX_BLOBS) throw new Error(`Cannot read a message of ${count} blobs`);
  const lengths = uint32s(await exactly(reader, 4 * count));
  checkBounds(headerLength, lengths);
  const blobs: Uint8Array[] = [];
  for (const length of lengths) blobs.push(await exactly(reader, length));
  return { header, blobs };
}

function checkBounds(headerLength: number, blobLengths: number[]): void {
  const total = blobLengths.reduce((sum, length) => sum + length, headerLength);
  if (
    headerLength > MAX_HEADER_BYTES || total > MAX_MESSAGE_BYTES || blobLengths.length > MAX_BLOBS
  ) {
    throw new Error(
      `A message of ${total} bytes in ${blobLengths.length} blobs is over the bounds`,
    );
  }
}

function uint32s(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(4 * index, true));
}

async function exactly(reader: ReadableStreamBYOBReader, length: number): Promise<Uint8Array> {
  if (length === 0) return new Uint8Array(0);
  const { value } = await reader.read(new Uint8Array(length), { min: length });
  if (!value || value.length < length) throw new Deno.errors.UnexpectedEof();
  return value;
}

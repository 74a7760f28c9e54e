/** Connects to a WebSocket by hand, for what no client would do. */
export async function handshake(address: string, key: string): Promise<Deno.Conn> {
  const { hostname, port } = new URL(address);
  const conn = await Deno.connect({ hostname, port: Number(port) });
  const lines = [
    "GET /ws HTTP/1.1",
    `Host: ${hostname}:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    ...(key ? [`X-API-Key: ${key}`] : []),
  ];
  await write(conn, new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`));
  await conn.read(new Uint8Array(1_024));
  return conn;
}

/** A client's frame, masked with zeros (RFC 6455, 5.2). */
export function frame(opcode: number, final: boolean, payload: string | number): Uint8Array {
  const text = typeof payload === "string" ? new TextEncoder().encode(payload) : null;
  const length = text?.length ?? Number(payload);
  const head = length < 126 ? 6 : 14;
  const bytes = new Uint8Array(head + length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, (final ? 0x80 : 0) | opcode);
  view.setUint8(1, 0x80 | (length < 126 ? length : 127));
  if (length >= 126) view.setBigUint64(2, BigInt(length));
  if (text) bytes.set(text, head);
  return bytes;
}

export async function write(conn: Deno.Conn, bytes: Uint8Array) {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

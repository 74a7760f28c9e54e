/**
 * Cuts a WebSocket off, whatever the other end does. Deno (2.9) has no public way: after `close` it
 * waits for the other end without limit, and keeps and goes on reading an unfinished message. So
 * this closes the socket's resource, as Deno itself does for a peer that answers no ping. Does
 * nothing, and returns false, in a Deno that has changed this.
 */
export function cutSocket(socket: WebSocket): boolean {
  const rid = Object.getOwnPropertySymbols(socket)
    .filter(({ description }) => description === "[[rid]]")
    .map((symbol): unknown => Reflect.get(socket, symbol))[0];
  const internal = property(Deno, property(Deno, "internal"));
  const tryClose = property(property(internal, "core"), "tryClose");
  if (typeof rid !== "number" || typeof tryClose !== "function") return false;
  tryClose(rid);
  return true;
}

function property(of: unknown, name: unknown): unknown {
  if (typeof of !== "object" || of === null) return undefined;
  return typeof name === "string" || typeof name === "symbol" ? Reflect.get(of, name) : undefined;
}

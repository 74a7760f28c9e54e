import type { FeedItem } from "../model/feed.ts";
import { EVENT_MESSAGES } from "./messages.ts";
import type { Outbox } from "./outbox.ts";

/** Texts of items that several sockets are told: made once. */
const texts = new WeakMap<FeedItem, string>();

/** Sends what became of the tenant's events, one after the other, as fast as they are taken. */
export async function tellEvents(
  items: AsyncIterable<FeedItem>,
  { send, room }: Pick<Outbox, "send" | "room">,
  signal: AbortSignal,
): Promise<void> {
  for await (const item of items) {
    const type = EVENT_MESSAGES[item.type];
    if (!type) continue;
    await room(signal);
    if (signal.aborted) return;
    send(textOf(item, type));
  }
}

function textOf(item: FeedItem, type: string): string {
  const { id, at, data } = item;
  const text = texts.get(item) ?? JSON.stringify({ type, id, at, data });
  texts.set(item, text);
  return text;
}

import { Buffer } from "node:buffer";
import { createHmac, randomBytes } from "node:crypto";
import type { FeedItem } from "../model/feed.ts";

/** The way of Standard Webhooks (standardwebhooks.com): messages that any of its libraries verifies. */
const PREFIX = "whsec_";

/** 192 random bits. */
export function makeSecret(): string {
  return PREFIX + randomBytes(24).toString("base64");
}

/** Whether one of a webhook's types means this one: itself, its group (`image.*`), or `*`. */
export function wants(types: readonly string[], type: string): boolean {
  const group = `${type.slice(0, type.indexOf("."))}.*`;
  return types.some((wanted) => wanted === "*" || wanted === type || wanted === group);
}

/** What is sent: `{ type, timestamp, data }`, signed with each secret as of now (ms since 1970). */
export function messageOf({ id, type, at, data }: FeedItem, secrets: string[], now: number) {
  const body = JSON.stringify({ type, timestamp: at, data });
  const seconds = String(Math.floor(now / 1000));
  return {
    body,
    headers: {
      "content-type": "application/json",
      "user-agent": "Imago-Webhooks",
      "webhook-id": id,
      "webhook-timestamp": seconds,
      "webhook-signature": secrets.map((secret) => sign(secret, `${id}.${seconds}.${body}`)).join(
        " ",
      ),
    },
  };
}

function sign(secret: string, content: string): string {
  const key = Buffer.from(secret.slice(PREFIX.length), "base64");
  return `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
}

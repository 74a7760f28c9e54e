import type { Context } from "hono";
import type { Check } from "../../lib/drafts.ts";
import type { Draft, DraftRow } from "../../lib/model/draft.ts";
import type { Services } from "../../lib/services.ts";
import type { Env } from "./app.ts";
import { ifMatch } from "./etag.ts";

const DAY_MS = 86_400_000;

/** A stored draft as its tenant sees it, its photos' links signed afresh. */
export function present(row: DraftRow, { links }: Services): Draft {
  const { id, title, description, status, price_suggested, photos } = row;
  return {
    ...{ id, title, description, status, price_suggested },
    photos: photos.map(({ id, sha256, mime, width, height }, order_index) => ({
      media: { id, url: links.photo(row.tenant, { sha256, mime }), width, height, mime },
      order_index,
    })),
  };
}

/** Names a version of a draft; the links in it change with the day. */
export function tagOf({ version }: DraftRow, { clock }: Services): string {
  return `"${version}-${Math.floor(clock.now() / DAY_MS)}"`;
}

/** Refuses a change when If-Match names another version. */
export function checkMatch(c: Context<Env>): Check {
  const check = ifMatch(c);
  return (row) => check(tagOf(row, c.var.services).slice(1, -1));
}

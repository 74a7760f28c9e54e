import { createSockets } from "../live/sockets.ts";
import { createTails } from "../live/tails.ts";
import type { Accounts } from "./accounts.ts";
import type { Base } from "./base.ts";
import type { Watching } from "./watching.ts";

/** Who follows what happens, as it happens. */
export function createLive(
  { config, feed, clock }: Base,
  { principals }: Accounts,
  { cameras, frames }: Watching,
) {
  const tails = createTails({ feed, clock });
  const sockets = createSockets({
    clock,
    cameras,
    frames,
    tails,
    max: config.WS_MAX_CONNECTIONS,
    renew: principals.renew,
    onRightsChanged: principals.listen,
  });
  return { tails, sockets };
}

import type { Audit } from "../audit.ts";
import type { Cameras } from "../cameras.ts";
import { Problem } from "../errors.ts";
import type { Database } from "../kv.ts";
import type { DiscoveredCamera } from "../model/discovery.ts";
import type { SafeFetch } from "../net/safe_fetch.ts";
import type { Discovery, Heard } from "./discovery.ts";

type Deps = {
  db: Database;
  audit: Audit;
  cameras: Pick<Cameras, "all">;
  discovery: Pick<Discovery, "find">;
  /** HTTP by the rules for cameras. */
  net: Pick<SafeFetch, "check">;
};

/** The cameras that a tenant may find on the local network. */
export function createNearby({ db, audit, cameras, discovery, net }: Deps) {
  const isAllowed = async ({ addresses }: Heard): Promise<boolean> => {
    try {
      for (const address of addresses) await net.check(`http://${address}/`);
      return addresses.length > 0;
    } catch (error) {
      if (error instanceof Problem) return false;
      throw error;
    }
  };

  return {
    /**
     * The cameras that answer on the local network within `waitMs`. Those that may not be called are
     * for `everything` alone: the network is the operator's, not every tenant's to look at.
     */
    async find(
      { tenant, subject }: { tenant: string; subject: string },
      waitMs: number,
      everything: boolean,
    ): Promise<DiscoveredCamera[]> {
      const heard = await discovery.find(waitMs);
      const hosts = (await cameras.all(tenant)).map(({ row }) => URL.parse(row.url)?.hostname);
      const found = await Promise.all(heard.map(async (device) => {
        const { endpoint: _, ...camera } = device;
        const known = camera.addresses.some((address) => hosts.includes(address));
        return { ...camera, known, allowed: await isAllowed(device) };
      }));
      const shown = found.filter(({ allowed }) => allowed || everything);
      const details = { found: shown.length };
      await db.transact((tx) => audit.note(tx, tenant, subject, "camera.discovery", { details }));
      return shown;
    },
  };
}

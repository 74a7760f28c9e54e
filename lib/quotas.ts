import { Problem } from "./errors.ts";
import type { Database, Transaction } from "./kv.ts";
import type { Quota } from "./model/image.ts";
import type { Tenant } from "./model/tenant.ts";
import { tables } from "./tables.ts";

/** Storage that tenants use, counted in the transaction of what uses it. */
export function createQuotas({ db }: { db: Database }) {
  const used = (tenant: string) => db.get(tables.usage.key(tenant));

  return {
    /**
     * Charges bytes within `tx`: of one image, or with `images` 0 of what is none. Throws
     * `quota_exceeded` when they do not fit.
     */
    async charge(tx: Transaction, tenant: Tenant, bytes: number, images = 1) {
      const usage = await tx.get(tables.usage.key(tenant.id)) ?? { bytes: 0, images: 0 };
      refuseOverflow(usage.bytes, bytes, tenant.quota_bytes);
      tx.set(tables.usage.key(tenant.id), {
        bytes: usage.bytes + bytes,
        images: usage.images + images,
      });
    },

    /** Gives back what `charge` took. */
    async release(tx: Transaction, tenant: string, bytes: number, images = 1) {
      const usage = await tx.get(tables.usage.key(tenant)) ?? { bytes, images };
      tx.set(tables.usage.key(tenant), {
        bytes: usage.bytes - bytes,
        images: usage.images - images,
      });
    },

    /** Refuses early what can never fit, before its bytes are read. */
    async refuseEarly(tenant: Tenant, bytes: number) {
      refuseOverflow((await used(tenant.id))?.bytes ?? 0, bytes, tenant.quota_bytes);
    },

    async read(tenant: Tenant): Promise<Quota> {
      const { bytes } = await used(tenant.id) ?? { bytes: 0 };
      const limit = tenant.quota_bytes;
      return {
        used_bytes: bytes,
        limit_bytes: limit,
        remaining_bytes: Math.max(0, limit - bytes),
        percent: limit ? Math.round(bytes / limit * 10_000) / 100 : 100,
      };
    },
  };
}

export type Quotas = ReturnType<typeof createQuotas>;

function refuseOverflow(used: number, more: number, limit: number) {
  if (used + more > limit) {
    const left = Math.max(0, limit - used);
    throw new Problem(
      "quota_exceeded",
      `Cannot store ${more} bytes: ${left} of ${limit} are left, delete something first`,
    );
  }
}

import { getLogger } from "@logtape/logtape";
import type { Audit } from "./audit.ts";
import type { Principals } from "./auth/principals.ts";
import { type Clock, timestamp } from "./clock.ts";
import { Problem } from "./errors.ts";
import { type AnyTable, batches, type Database, keysIn } from "./kv.ts";
import type { Locks } from "./locks.ts";
import type { Erasure } from "./model/audit.ts";
import type { Storage } from "./storage/storage.ts";
import { tables } from "./tables.ts";

const log = getLogger(["imago", "erasures"]);

/** Whoever asks for an erasure is told after so long how far it is. */
const PATIENCE_MS = 20_000;

/** So long after an erasure somebody who was under way then may still write. */
const LATE_MS = 24 * 60 * 60 * 1000;

/** Records that one transaction deletes, each of them checked; Deno KV takes 100 checks. */
const BATCH = 90;

type Deps = {
  db: Database;
  storage: Storage;
  clock: Clock;
  locks: Locks;
  principals: Principals;
  audit: Audit;
};

const ALL: AnyTable[] = Object.values(tables);
/** What stands under the tenant's id alone goes last: until then the erasure can be told and resumed. */
const OWN = ALL.filter(({ parts }) => parts[0] === "tenant" && parts.length === 1);
const OWNED = ALL.filter(({ parts }) => parts[0] === "tenant" && parts.length > 1);
const INDEXES = ALL.filter(({ parts }) => parts[0] !== "tenant");

/**
 * Erases tenants: every record of theirs, every index entry that points to them, every object. The
 * receipt stays, and holds nothing of what was erased but its id and counts.
 */
export function createErasures({ db, storage, clock, locks, principals, audit }: Deps) {
  const find = (tenant: string) => db.get(tables.erasures.key(tenant));

  /** From here on nobody gets in, and nothing that runs for the tenant can commit an image. */
  const begin = (id: string, confirm: string, actor: string) =>
    db.transact(async (tx) => {
      const tenant = await tx.get(tables.tenants.key(id));
      if (!tenant) throw new Problem("not_found", `Cannot find client "${id}"`);
      if (confirm !== tenant.name) {
        throw new Problem("invalid_content", "Cannot erase: confirm must be the client's name");
      }
      tx.set(tables.tenants.key(id), { ...tenant, active: false });
      tx.set(tables.erasures.key(id), {
        id,
        state: "running",
        actor,
        started_at: timestamp(clock.now()),
        done_at: null,
        erased: { records: 0, objects: 0, bytes: 0 },
      });
      audit.note(tx, id, actor, "client.erased", { subject: id });
      tx.afterCommit(() => principals.forget(id));
    });

  /** Deletes, and counts what was deleted in the same transaction, also when another process helps. */
  const remove = (tenant: string, keys: Deno.KvKey[]) =>
    db.transact(async (tx) => {
      const erasure = await running(tx.get(tables.erasures.key(tenant)));
      const there = await Promise.all(keys.map((key) => tx.get<unknown>(key)));
      keys.forEach((key) => tx.delete(key));
      count(erasure, { records: there.filter((value) => value !== null).length });
      tx.set(tables.erasures.key(tenant), erasure);
    });

  const sweep = async (tenant: string, entries: AsyncIterable<Deno.KvKey>): Promise<number> => {
    let swept = 0;
    for await (const keys of batches(entries, BATCH)) {
      await remove(tenant, keys);
      swept += keys.length;
    }
    return swept;
  };

  const sweepOwned = async (tenant: string): Promise<number> => {
    let swept = 0;
    for (const table of OWNED) {
      swept += await sweep(tenant, keysIn(db, { prefix: table.prefix(tenant) }));
    }
    return swept;
  };

  /** One round over all tables; returns how many records went. */
  const sweepRecords = async (tenant: string): Promise<number> => {
    let swept = 0;
    for (const table of INDEXES) swept += await sweep(tenant, entriesAbout(db, table, tenant));
    return swept + await sweepOwned(tenant);
  };

  const sweepObjects = async (tenant: string) => {
    for await (const { key, size } of storage.list(`${tenant}/`)) {
      await storage.delete(key);
      await db.transact(async (tx) => {
        const erasure = await running(tx.get(tables.erasures.key(tenant)));
        count(erasure, { objects: 1, bytes: size });
        tx.set(tables.erasures.key(tenant), erasure);
      });
    }
  };

  const end = (tenant: string): Promise<Erasure> =>
    db.transact(async (tx) => {
      const erasure = await running(tx.get(tables.erasures.key(tenant)));
      const own = OWN.map(({ prefix }) => [...prefix(), tenant]);
      const there = await Promise.all(own.map((key) => tx.get<unknown>(key)));
      own.forEach((key) => tx.delete(key));
      count(erasure, { records: there.filter((value) => value !== null).length });
      erasure.state = "done";
      erasure.done_at = timestamp(clock.now());
      tx.set(tables.erasures.key(tenant), erasure);
      return erasure;
    });

  const proceed = async (tenant: string): Promise<Erasure> => {
    // What was under way may have written behind the first round; without its job it does not again.
    while (await sweepRecords(tenant) > 0);
    await sweepObjects(tenant);
    const erasure = await end(tenant);
    principals.forget(tenant);
    log.info("Erased client {tenant}: {erased}", { tenant, erased: erasure.erased });
    return erasure;
  };

  /** Ends an erasure that nobody here is busy with. */
  const goOn = async (tenant: string): Promise<void> => {
    if ((await find(tenant))?.state !== "running") return;
    log.warn("Going on with the erasure of client {tenant}", { tenant });
    try {
      await proceed(tenant);
    } catch (error) {
      log.error("Cannot erase client {tenant}: {error}", { tenant, error });
    }
  };

  const erase = (tenant: string, confirm: string, actor: string): Promise<Erasure> =>
    locks.run(`erase:${tenant}`, async () => {
      const known = await find(tenant);
      if (known?.state === "done") return known;
      if (!known) await begin(tenant, confirm, actor);
      return await proceed(tenant);
    });

  /** How far the erasure of a tenant is, or a `not_found` problem. */
  const receipt = async (tenant: string): Promise<Erasure> => {
    const erasure = await find(tenant);
    if (!erasure) throw new Problem("not_found", "Cannot find this receipt");
    return erasure;
  };

  return {
    /**
     * Erases a tenant, or goes on where a crash interrupted it; once it is done, gives the receipt
     * again. `not_found` without such a tenant, `invalid_content` when `confirm` is not its name.
     */
    erase,
    receipt,

    /**
     * Like `erase`, for whoever waits for an answer: when there is more to erase than the wait
     * allows, gives the receipt as it stands (`running`) and goes on.
     */
    async request(tenant: string, confirm: string, actor: string): Promise<Erasure> {
      const ended = erase(tenant, confirm, actor);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const cancel = clock.after(PATIENCE_MS, resolve);
      const unended = late.then(() => {
        ended.catch((error) =>
          log.error("Cannot erase client {tenant}: {error}", { tenant, error })
        );
        return receipt(tenant);
      });
      return await Promise.race([ended, unended]).finally(cancel);
    },

    /**
     * Erases what somebody who was under way has written behind an erasure of the last day. Bytes
     * without a record are swept as all others are.
     */
    async tidy(): Promise<void> {
      const recent = timestamp(clock.now() - LATE_MS);
      for await (const { value } of db.list<Erasure>({ prefix: tables.erasures.prefix() })) {
        if (value.done_at && value.done_at >= recent) await sweepOwned(value.id);
      }
    },

    /** Ends the erasures that a crash or a failing storage has interrupted. */
    async resume(): Promise<void> {
      for await (const { value } of db.list<Erasure>({ prefix: tables.erasures.prefix() })) {
        const tenant = value.id;
        if (value.state === "running") await locks.run(`erase:${tenant}`, () => goOn(tenant));
      }
    },
  };
}

export type Erasures = ReturnType<typeof createErasures>;

async function running(read: Promise<Erasure | null>): Promise<Erasure> {
  const erasure = await read;
  if (!erasure) throw new Error("an erasure has lost its record");
  return structuredClone(erasure);
}

function count({ erased }: Erasure, more: Partial<Erasure["erased"]>) {
  erased.records += more.records ?? 0;
  erased.objects += more.objects ?? 0;
  erased.bytes += more.bytes ?? 0;
}

/** Entries of an index that name the tenant, in their key or in their value. */
async function* entriesAbout(
  db: Database,
  { name, parts }: AnyTable,
  tenant: string,
): AsyncGenerator<Deno.KvKey> {
  const part = parts.indexOf("tenant");
  for await (const { key, value } of db.list<unknown>({ prefix: [name] })) {
    const named = typeof value === "object" && value !== null && "tenant" in value
      ? value.tenant
      : part < 0
      ? null
      : key[part + 1];
    if (named === tenant) yield key;
  }
}

import { type Clock, systemClock } from "../lib/clock.ts";
import type { Database, Transaction } from "../lib/kv.ts";
import type { Job } from "../lib/model/job.ts";
import { z } from "zod";
import { tables } from "../lib/tables.ts";

/**
 * How those who work learn that there is work. A bell may ring twice, late or never: it says "look",
 * and the ready index says at what. The sweep finds what no bell announced.
 */
export interface Doorbell {
  /** Rings once `tx` is committed. */
  ring(tx: Transaction, job: Job): void;
  /** Calls `poke` at each ring from now on. */
  listen(poke: () => void): void;
}

const Message = z.object({ job: z.uuid() });

/** A bell that was not heard for so long is rung again. */
const UNHEARD_MS = 5_000;

/**
 * Deno KV's queue, which reaches every process that listens on the same KV. Each message costs the
 * disk some four writes, so while one bell is on its way no other is rung: it says "look" for all.
 */
export function createQueueDoorbell(db: Database, clock: Clock = systemClock): Doorbell {
  let here = () => {};
  let rungAt = -Infinity;
  return {
    ring(tx, job) {
      if (clock.now() - rungAt > UNHEARD_MS) {
        tx.enqueue({ job: job.id }, { keysIfUndelivered: [tables.lostBells.key(job.id)] });
        tx.afterCommit(() => rungAt = clock.now());
      }
      // Whoever works in this process need not wait for the queue.
      tx.afterCommit(() => here());
    },
    listen(poke) {
      here = poke;
      // It stays pending until the KV is closed. Never throws: a strange message is no reason to retry.
      void db.kv.listenQueue((message) => {
        if (!Message.safeParse(message).success) return;
        rungAt = -Infinity;
        poke();
      });
    },
  };
}

/** For a KV without queues (KV Connect, Deno Deploy): pokes here, and the sweep does the rest. */
export function createLocalDoorbell(): Doorbell {
  let here = () => {};
  return {
    ring: (tx) => tx.afterCommit(() => here()),
    listen: (poke) => void (here = poke),
  };
}

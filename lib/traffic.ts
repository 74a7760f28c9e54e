import { Problem } from "./errors.ts";

/**
 * Requests under way, so that the server can end after them: the shutdown of `Deno.serve` (2.9)
 * breaks off every body that is still being received.
 */
export function createTraffic() {
  const idle = Promise.withResolvers<void>();
  let underWay = 0;
  let ending = false;

  const endIfIdle = () => {
    if (ending && underWay === 0) idle.resolve();
  };

  return {
    /** Carries one request through. Throws `unavailable` once the end was asked for. */
    async carry<T>(work: () => Promise<T>): Promise<T> {
      if (ending) throw new Problem("unavailable", "Imago is stopping", { retryAfter: 1 });
      underWay++;
      try {
        return await work();
      } finally {
        underWay--;
        endIfIdle();
      }
    },

    /** Lets nobody in any more, and resolves when the last request has its answer. */
    end(): Promise<void> {
      ending = true;
      endIfIdle();
      return idle.promise;
    },
  };
}

export type Traffic = ReturnType<typeof createTraffic>;

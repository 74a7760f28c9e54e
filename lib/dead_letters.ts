import type { AiProvider } from "./ai/provider.ts";
import type { Audit } from "./audit.ts";
import { Problem } from "./errors.ts";
import type { Images } from "./images.ts";
import type { Jobs } from "./jobs.ts";
import type { Database, Transaction } from "./kv.ts";
import type { DeadLetter } from "./model/job.ts";
import type { TenantPrincipal } from "./model/tenant.ts";
import type { Tenants } from "./tenants.ts";

/** One call replays so many dead letters at most. */
export const REPLAY_MAX = 1_000;

type Deps = {
  db: Database;
  jobs: Jobs;
  images: Images;
  tenants: Tenants;
  audit: Audit;
  /** Asked again at once, whatever it failed with before; null where there is none. */
  ai: AiProvider | null;
};

/** What an admin does with steps that used up their tries; each is on record. */
export function createDeadLetters({ db, jobs, images, tenants, audit, ai }: Deps) {
  const note = (tx: Transaction, by: TenantPrincipal, action: string, letter: DeadLetter) => {
    const { id, image_id, step } = letter;
    const details = { image_id, step };
    audit.note(tx, by.tenant, by.subject, `dead_letter.${action}`, { subject: id, details });
  };

  /** Runs the steps of letters again that are all of one image. */
  const run = async (by: TenantPrincipal, image: string, letters: DeadLetter[]) => {
    const steps = letters.map(({ step }) => step);
    await images.reprocess(await tenants.get(by.tenant), image, steps, (tx) => {
      letters.forEach((letter) => note(tx, by, "replayed", letter));
    });
  };

  return {
    /** Runs a letter's step again. `not_found`, or `conflict` while its image is being processed. */
    async replay(by: TenantPrincipal, id: string): Promise<DeadLetter> {
      const letter = await jobs.letter(by.tenant, id);
      ai?.breaker.probeNow();
      await run(by, letter.image_id, [letter]);
      return letter;
    },

    /** Runs the steps of all letters again, up to 1,000, but for images that are being processed. */
    async replayAll(by: TenantPrincipal): Promise<{ replayed: number; left: number }> {
      ai?.breaker.probeNow();
      const found = await jobs.letters(by.tenant, REPLAY_MAX);
      let replayed = 0;
      for (const [image, letters] of Map.groupBy(found, ({ image_id }) => image_id)) {
        try {
          await run(by, image, letters);
          replayed += letters.length;
        } catch (error) {
          const busy = error instanceof Problem && error.code === "conflict";
          if (!busy) throw error;
        }
      }
      return { replayed, left: found.length - replayed };
    },

    /** Forgets a letter, or `not_found`; its image stays as it is. */
    async discard(by: TenantPrincipal, id: string): Promise<void> {
      const letter = await jobs.letter(by.tenant, id);
      await db.transact(async (tx) => {
        await jobs.unbury(tx, by.tenant, letter.image_id, letter.step);
        note(tx, by, "discarded", letter);
      });
    },
  };
}

export type DeadLetters = ReturnType<typeof createDeadLetters>;

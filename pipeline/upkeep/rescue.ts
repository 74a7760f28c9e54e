import { getLogger } from "@logtape/logtape";
import type { Images } from "../../lib/images.ts";
import type { Jobs } from "../../lib/jobs.ts";
import type { Database } from "../../lib/kv.ts";

const log = getLogger(["imago", "rescue"]);

type Deps = {
  db: Database;
  jobs: Jobs;
  images: Images;
  /** Nobody else works on this KV: whoever held a lease before this start is dead. */
  exclusive: boolean;
};

/** Frees the jobs that dead processes held, so that nothing stays half done. */
export function createRescue({ db, jobs, images, exclusive }: Deps) {
  return async function rescue(owner: string): Promise<void> {
    for await (const key of jobs.abandoned(owner, exclusive)) {
      const job = await db.transact(async (tx) => {
        const job = await jobs.rescue(tx, key);
        if (job) await images.record(tx, job);
        return job;
      });
      if (job) {
        log.warn("Rescued job {job} for the {count}. time", { job: job.id, count: job.rescues });
      }
    }
  };
}

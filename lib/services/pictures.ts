import { createDeadLetters } from "../dead_letters.ts";
import { createDrafts } from "../drafts.ts";
import { createImages } from "../images.ts";
import { createIngest } from "../ingest.ts";
import { createJobs } from "../jobs.ts";
import { createMedia } from "../media.ts";
import type { Metrics } from "../metrics.ts";
import { createRecords } from "../records.ts";
import { createSuggestions } from "../suggestions.ts";
import { createTransforms } from "../transforms.ts";
import { createUploadStats } from "../upload_stats.ts";
import type { Accounts } from "./accounts.ts";
import type { Base } from "./base.ts";
import type { Writing } from "./writing.ts";

/** Images with their jobs, and the photos and drafts of shops. */
export function createPictures(
  base: Base,
  { quotas, tenants }: Accounts,
  { ai, web, writer }: Writing,
  metrics: Metrics,
) {
  const { config, db } = base;
  const jobs = createJobs({ ...base, onBuried: (step) => metrics.deadLetters.inc({ step }) });
  const uploadStats = createUploadStats({ db });
  const images = createImages({ ...base, quotas, jobs, stats: uploadStats });
  const records = createRecords({ ...base, images, stats: uploadStats });
  const media = createMedia({ ...base, quotas });
  const drafts = createDrafts({ ...base, media });
  return {
    jobs,
    uploadStats,
    images,
    records,
    media,
    drafts,
    deadLetters: createDeadLetters({ ...base, jobs, images, tenants, ai }),
    ingest: createIngest({
      ...base,
      drafts,
      web,
      refuse: records.refuse,
      maxBytes: config.MAX_FILE_SIZE_MB,
      maxSide: config.MAX_DIM_PX,
      quality: config.JPEG_QUALITY,
    }),
    suggestions: createSuggestions({ drafts, media, writer }),
    transforms: createTransforms(base),
  };
}

export type Pictures = ReturnType<typeof createPictures>;

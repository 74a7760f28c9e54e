import { createHash } from "node:crypto";
import { objectsOf } from "../../lib/images.ts";
import { createDatabase, type Database } from "../../lib/kv.ts";
import type { DraftRow, Media } from "../../lib/model/draft.ts";
import type { ImageRow, Terms } from "../../lib/model/image.ts";
import type { DeadLetter, Job } from "../../lib/model/job.ts";
import type { Refusal } from "../../lib/model/record.ts";
import type { Variants } from "../../lib/model/transform.ts";
import { createLocalStorage } from "../../lib/storage/local.ts";
import type { Storage } from "../../lib/storage/storage.ts";
import { tables } from "../../lib/tables.ts";
import { recountEvents } from "./recount_events.ts";
import { differences } from "./recount_search.ts";

type Options = {
  /** Ids of images that were answered with 202 and not deleted since. */
  acknowledged?: string[];
};

type Rows<T> = { key: Deno.KvKey; value: T }[];

/** What stands in the database, read once. */
type Books = Awaited<ReturnType<typeof readBooks>>;

const SWEEP_MS = 10_000;
const SETTLED = new Set(["done", "partial", "failed"]);

/** Recounts the data folder of a program that has ended; see {@link recount}. */
export async function recountFolder(dataDir: string, options: Options = {}) {
  const db = createDatabase(await Deno.openKv(`${dataDir}/imago.kv`));
  try {
    const storage = createLocalStorage({ root: `${dataDir}/storage` });
    const unfinished = await filesIn(`${dataDir}/storage/tmp`);
    return {
      broken: [
        ...await recount(db, storage, options),
        ...unfinished.map((name) => `an unfinished file was left in tmp: ${name}`),
      ],
      rescues: (await rowsOf<Job>(db, tables.jobs)).reduce(
        (sum, { value }) => sum + value.rescues,
        0,
      ),
      deadLetters: (await rowsOf<DeadLetter>(db, tables.deadLetters)).length,
    };
  } finally {
    db.close();
  }
}

/** Waits for the sweep of a start, not for ever: the recount tells what it has missed. */
export async function waitForSweep(dataDir: string, objects: number): Promise<void> {
  for (const until = Date.now() + SWEEP_MS; Date.now() < until;) {
    const [whole, unfinished] = await Promise.all(
      ["objects", "tmp"].map((name) => filesIn(`${dataDir}/storage/${name}`)),
    );
    if (whole?.length === objects && unfinished?.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/**
 * Counts everything anew once no work is under way, trusting neither counters nor indexes. Gives
 * what does not add up, in words: empty is good.
 */
export async function recount(
  db: Database,
  storage: Storage,
  { acknowledged = [] }: Options = {},
): Promise<string[]> {
  const books = await readBooks(db);
  return [
    ...acknowledged.filter((id) => !books.byId.has(id)).map((id) => `${id} was lost`),
    ...imagesOnce(books),
    ...usageIsTheSum(books),
    ...statesAreCounted(books),
    ...await objectsMatch(books, storage),
    ...hashesMatch(books),
    ...textsBelong(books),
    ...variantsBelong(books),
    ...refusalsMatch(books),
    ...findable(books),
    ...workIsOver(books),
    ...lettersMatch(books),
    ...photosAreCounted(books),
    ...await recountEvents(db),
  ];
}

async function readBooks(db: Database) {
  const images = await rowsOf<ImageRow>(db, tables.images);
  return {
    images,
    byId: new Map(images.map(({ value }) => [value.id, value])),
    tenants: await rowsOf<{ id: string }>(db, tables.tenants),
    usage: await rowsOf<{ bytes: number; images: number }>(db, tables.usage),
    uploadCounts: await rowsOf<Deno.KvU64>(db, tables.uploadCounts),
    hashes: await rowsOf<true>(db, tables.imagesByHash),
    texts: await rowsOf<string>(db, tables.texts),
    variants: await rowsOf<Variants>(db, tables.variants),
    refusals: await rowsOf<Refusal>(db, tables.refusals),
    refusalSlots: await rowsOf<string>(db, tables.refusalSlots),
    terms: await rowsOf<Terms>(db, tables.terms),
    imagesBy: await rowsOf<true>(db, tables.imagesBy),
    jobs: await rowsOf<Job>(db, tables.jobs),
    jobsByState: await rowsOf<true>(db, tables.jobsByState),
    ready: await rowsOf<true>(db, tables.jobsReady),
    running: await rowsOf<unknown>(db, tables.jobsRunning),
    letters: await rowsOf<DeadLetter>(db, tables.deadLetters),
    drafts: await rowsOf<DraftRow>(db, tables.drafts),
    draftsByStatus: await rowsOf<true>(db, tables.draftsByStatus),
    media: await rowsOf<Media>(db, tables.media),
    lettersByStep: await rowsOf<string>(db, tables.deadLettersByStep),
  };
}

function imagesOnce({ images }: Books): string[] {
  return images.flatMap(({ key, value: image }) => [
    ...(key[1] === image.tenant && key[2] === image.id ? [] : [`${image.id} stands under ${key}`]),
    ...(SETTLED.has(image.status) ? [] : [`${image.id} is ${image.status} for ever`]),
    ...(image.done_at ? [] : [`${image.id} has no end`]),
  ]);
}

function usageIsTheSum({ images, media, tenants, usage }: Books): string[] {
  const told = new Map(usage.map(({ key, value }) => [key[1], value]));
  return tenants.flatMap(({ value: { id } }) => {
    const own = images.filter(({ value }) => value.tenant === id);
    const charged = [...own, ...media.filter(({ value }) => value.tenant === id)];
    const bytes = charged.reduce((sum, { value }) => sum + value.size_bytes, 0);
    const { bytes: toldBytes, images: toldImages } = told.get(id) ?? { bytes: 0, images: 0 };
    return [
      ...(toldBytes === bytes ? [] : [`${id} uses ${bytes} bytes, told are ${toldBytes}`]),
      ...(toldImages === own.length ? [] : [`${id} has ${own.length} images, told ${toldImages}`]),
    ];
  });
}

/** The counters of images by status, and nothing but them, against the images. */
function statesAreCounted({ images, uploadCounts }: Books): string[] {
  const expected = new Map<string, number>();
  for (const { value: { tenant, status } } of images) {
    const name = `${tenant} status:${status}`;
    expected.set(name, (expected.get(name) ?? 0) + 1);
  }
  const told = uploadCounts.map(({ key, value }) =>
    [`${String(key[1])} ${String(key[2])}`, Number(value.value)] as const
  ).filter(([name, count]) => name.includes(" status:") && count !== 0);
  return differences(expected, new Map(told));
}

async function objectsMatch(
  { images, media, variants }: Books,
  storage: Storage,
): Promise<string[]> {
  const broken: string[] = [];
  const made = new Map(variants.map(({ key, value }) => [key[2], value]));
  const wanted = new Map(
    images.flatMap(({ value }) =>
      objectsOf(value, made.get(value.id)).map((key) => [key, value] as const)
    ),
  );
  const photos = new Map(media.map(({ value }) => [value.key, value.sha256]));
  for await (const { key } of storage.list("")) {
    if (!wanted.has(key) && !photos.has(key)) broken.push(`nothing points to the bytes ${key}`);
  }
  for (const [key, image] of wanted) {
    const stored = await storage.get(key);
    if (!stored) broken.push(`${image.id} points to bytes that are not there: ${key}`);
    else if (!await isWhole(image, made.get(image.id), key, stored.body)) {
      broken.push(`${key} has other bytes`);
    }
  }
  for (const [key, sha256] of photos) {
    const stored = await storage.get(key);
    if (!stored) broken.push(`a photo points to bytes that are not there: ${key}`);
    else if (await shaOf(stored.body) !== sha256) broken.push(`${key} has other bytes`);
  }
  return broken;
}

/** Each photo counts the drafts that show it, each draft's photos are there and are listed. */
function photosAreCounted({ drafts, draftsByStatus, media }: Books): string[] {
  const counted = new Map(
    media.map(({ key, value }) => [key.slice(1).join("/"), value.references]),
  );
  const shown = new Map<string, number>();
  for (const { value: { tenant, photos } } of drafts) {
    for (const sha256 of new Set(photos.map(({ sha256 }) => sha256))) {
      const name = `${tenant}/${sha256}`;
      shown.set(name, (shown.get(name) ?? 0) + 1);
    }
  }
  const listed = draftsByStatus.map(({ key }) => key.slice(1).join("/")).toSorted();
  const real = drafts.map(({ value: { tenant, status, id } }) => `${tenant}/${status}/${id}`);
  return [
    ...[...counted].filter(([name, count]) => shown.get(name) !== count)
      .map(([name, count]) => `photo ${name} counts ${count} drafts`),
    ...[...shown.keys()].filter((name) => !counted.has(name)).map((name) => `no photo ${name}`),
    ...(listed.join() === real.toSorted().join() ? [] : [`drafts are listed as ${listed}`]),
  ];
}

async function shaOf(body: ReadableStream<Uint8Array>): Promise<string> {
  const bytes = await new Response(body).bytes();
  return createHash("sha256").update(bytes).digest("hex");
}

async function isWhole(
  image: ImageRow,
  variants: Variants | undefined,
  key: string,
  body: ReadableStream<Uint8Array>,
) {
  const bytes = await new Response(body).bytes();
  const derived = [...Object.values(image.renditions), ...Object.values(variants ?? {})];
  const rendition = derived.find((made) => made.key === key);
  return rendition
    ? bytes.length === rendition.size_bytes
    : createHash("sha256").update(bytes).digest("hex") === image.sha256;
}

function hashesMatch({ images, hashes }: Books): string[] {
  const indexed = new Set(hashes.map(({ key }) => key.slice(1).join("/")));
  const real = new Set(
    images.map(({ value: { tenant, sha256, id } }) => `${tenant}/${sha256}/${id}`),
  );
  return [
    ...[...real].filter((name) => !indexed.has(name)).map((name) => `${name} has no hash entry`),
    ...[...indexed].filter((name) => !real.has(name)).map((name) => `hash entry of none: ${name}`),
  ];
}

function textsBelong({ byId, texts }: Books): string[] {
  return texts.filter(({ key }) => !byId.has(String(key[2]))).map(({ key }) =>
    `text of none: ${key}`
  );
}

function variantsBelong({ byId, variants }: Books): string[] {
  return variants.filter(({ key }) => !byId.has(String(key[2]))).map(({ key }) =>
    `variants of none: ${key}`
  );
}

/** Each refusal has a slot, and each slot its refusal. */
function refusalsMatch({ refusals, refusalSlots }: Books): string[] {
  const slots = new Set(refusalSlots.map(({ value }) => value));
  const written = new Set(refusals.map(({ value }) => value.id));
  return [
    ...[...written].filter((id) => !slots.has(id)).map((id) => `refusal ${id} has no slot`),
    ...[...slots].filter((id) => !written.has(id)).map((id) => `slot of no refusal: ${id}`),
  ];
}

/** Each image stands under its status, under all its terms and no other, and nothing else does. */
function findable({ images, byId, terms, imagesBy }: Books): string[] {
  const name = (term: unknown, image: unknown) => `${image} under ${term}`;
  const indexed = new Set(imagesBy.map(({ key }) => name(key[2], key[3])));
  const told = new Set(
    terms.flatMap(({ key, value }) =>
      [...value.row, ...value.text].map((term) => name(term, key[2]))
    ),
  );
  return [
    ...[...indexed].filter((entry) => !told.has(entry)).map((entry) => `is found: ${entry}`),
    ...[...told].filter((entry) => !indexed.has(entry)).map((entry) => `is not found: ${entry}`),
    ...terms.filter(({ key }) => !byId.has(String(key[2]))).map(({ key }) =>
      `terms of none: ${key}`
    ),
    ...images.filter(({ value: { id, status } }) => !indexed.has(name(`status:${status}`, id)))
      .map(({ value: { id, status } }) => `${id} is not found as ${status}`),
  ];
}

function workIsOver({ byId, jobs, jobsByState, ready, running }: Books): string[] {
  const over = new Set(["completed", "discarded", "cancelled"]);
  const known = new Set(jobs.map(({ value }) => value.id));
  const states = new Set(jobs.map(({ value: { state, id } }) => `${state} ${id}`));
  const indexed = new Set(jobsByState.map(({ key }) => `${String(key[2])} ${String(key[3])}`));
  return [
    ...[...indexed].filter((name) => !states.has(name)).map((name) => `listed job: ${name}`),
    ...[...states].filter((name) => !indexed.has(name)).map((name) => `unlisted job: ${name}`),
    ...ready.map(({ key }) => `still waits: ${key}`),
    ...running.map(({ key }) => `still runs: ${key}`),
    ...jobs.filter(({ value }) => !over.has(value.state))
      .map(({ value }) => `job ${value.id} is ${value.state} for ever`),
    ...[...byId.values()].filter(({ job }) => !known.has(job)).map(({ id }) => `${id} has no job`),
  ];
}

/** Each step that gave up has one letter, each letter its image and its index entry. */
function lettersMatch({ byId, images, letters, lettersByStep }: Books): string[] {
  const name = (image: string, step: string) => `${image}/${step}`;
  const indexed = new Map(
    lettersByStep.map(({ key, value }) => [name(String(key[2]), String(key[3])), value]),
  );
  const written = new Map(letters.map(({ value }) => [name(value.image_id, value.step), value.id]));
  const failed = images.flatMap(({ value: { id, steps } }) =>
    Object.entries(steps).filter(([, { state }]) => state === "failed").map(([step]) =>
      name(id, step)
    )
  );
  return [
    ...letters.filter(({ value }) => !byId.has(value.image_id))
      .map(({ value }) => `dead letter ${value.id} is of no image`),
    ...letters.filter(({ value }) => indexed.get(name(value.image_id, value.step)) !== value.id)
      .map(({ value }) => `dead letter ${value.id} has no index entry`),
    ...[...indexed.keys()].filter((step) => !written.has(step))
      .map((step) => `index entry of no dead letter: ${step}`),
    ...failed.filter((step) => !written.has(step)).map((step) => `${step} failed without a letter`),
  ];
}

async function rowsOf<T>(db: Database, table: { prefix(): Deno.KvKey }): Promise<Rows<T>> {
  const rows: Rows<T> = [];
  for await (const { key, value } of db.list<T>({ prefix: table.prefix() })) {
    rows.push({ key, value });
  }
  return rows;
}

/** The files in a folder and those below it. */
async function filesIn(folder: string): Promise<string[]> {
  const files: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      files.push(...isFile ? [`${folder}/${name}`] : await filesIn(`${folder}/${name}`));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return files;
}

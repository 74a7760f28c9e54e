/**
 * How long finding takes among 1,000 and among 100,000 images of one tenant, and the ratio of the
 * two: `deno run -A tests/bench/finding.ts [images]`. Records are written as the program does, to a
 * database file in a temporary folder.
 */
import { createDatabase, type Database } from "../../lib/kv.ts";
import type { ImageFilter } from "../../lib/model/image.ts";
import { createSearch, type Search } from "../../lib/search.ts";
import { tables } from "../../lib/tables.ts";
import { createAlbum, type Random, rank, seeded, word } from "../helpers/album.ts";

const FEW = 1_000;
const MANY = Number(Deno.args[0] ?? 100_000);
/** Records of one transaction: their terms stay under its 1,000 mutations. */
const BATCH = 8;
const ROUNDS = 300;
const LIMIT = 20;
const TENANT = "0197a3f0-5c1e-7b3a-9d51-6f0e3a1b2c4d";

type Ask = (random: Random) => (search: Search) => Promise<unknown[]>;
type Figures = { p50: number; p95: number; rows: number };

const find = (filter: ImageFilter) => async (search: Search) =>
  (await search.find(TENANT, filter, LIMIT)).items;
const frequent = (random: Random) => word(rank(random, 300));
const minute = (n: number) => Date.UTC(2026, 0, 1, 0, n);

const QUESTIONS: Record<string, Ask> = {
  "newest page": () => find({}),
  "status": () => find({ status: "partial" }),
  "has_gps": () => find({ has_gps: true }),
  "tag": (random) => find({ tag: word(rank(random, 100)) }),
  "camera": () => find({ camera: "canon" }),
  "original_name": () => find({ original_name: "img_0005" }),
  "from, to": () => find({ from: minute(5), to: minute(10) }),
  "text: a word": (random) => find({ text: frequent(random) }),
  "text: three letters": (random) => find({ text: frequent(random).slice(0, 3) }),
  "text: two words": (random) => find({ text: `${frequent(random)} ${frequent(random)}` }),
  "tag, status, has_gps": (random) =>
    find({ tag: word(rank(random, 20)), status: "done", has_gps: true }),
  "all tags": () => (search) => search.tags(TENANT),
};

const folder = await Deno.makeTempDir();
const few = await open("few");
const many = await open("many");
try {
  await write(few, FEW);
  const began = performance.now();
  await write(many, MANY);
  const perRecord = (performance.now() - began) / MANY;
  await print(few.search, many.search);
  const { size } = await Deno.stat(`${folder}/many.kv`);
  say(`${perRecord.toFixed(2)} ms and ${Math.round(size / MANY)} bytes a record`);
} finally {
  few.db.close();
  many.db.close();
  await Deno.remove(folder, { recursive: true });
}

async function open(name: string) {
  const db = createDatabase(await Deno.openKv(`${folder}/${name}.kv`), Object.values(tables));
  return { db, search: createSearch({ db }) };
}

async function write({ db, search }: { db: Database; search: Search }, count: number) {
  const album = createAlbum(TENANT, seeded(1));
  for (let written = 0; written < count; written += BATCH) {
    const made = Array.from({ length: Math.min(BATCH, count - written) }, () => album());
    await db.transact(async (tx) => {
      for (const { row, text } of made) {
        tx.set(tables.images.key(row.tenant, row.id), row);
        await search.index(tx, row, text);
      }
    });
  }
}

async function print(few: Search, many: Search) {
  const cells = (values: (string | number)[]) =>
    values.map((value) => typeof value === "number" ? value.toFixed(2) : value)
      .map((cell, at) => at ? cell.padStart(10) : cell.padEnd(22)).join("");
  say(cells(["ms", "p50 few", "p95 few", "rows", "p50 many", "p95 many", "rows", "p50 ratio"]));
  for (const [name, ask] of Object.entries(QUESTIONS)) {
    const [a, b] = await compare(ask, few, many);
    say(cells([name, a.p50, a.p95, a.rows, b.p50, b.p95, b.rows, b.p50 / a.p50]));
  }
}

/** Asks both in turns, so that whatever else the machine does slows both. */
async function compare(ask: Ask, few: Search, many: Search): Promise<[Figures, Figures]> {
  const random = seeded(2);
  const told = [few, many].map((search) => ({ search, times: [] as number[], rows: 0 }));
  for (let round = 0; round < ROUNDS; round++) {
    const query = ask(random);
    for (const side of told) {
      const began = performance.now();
      side.rows += (await query(side.search)).length;
      side.times.push(performance.now() - began);
    }
  }
  const [a, b] = told.map(({ times, rows }) => {
    times.sort((a, b) => a - b);
    const at = (share: number) => times[Math.floor(ROUNDS * share)]!;
    return { p50: at(0.5), p95: at(0.95), rows: rows / ROUNDS };
  });
  return [a!, b!];
}

function say(line: string) {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

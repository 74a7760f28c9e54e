import assert from "node:assert/strict";
import { createDatabase, type Database } from "../../lib/kv.ts";
import type { ImageFilter, ImageRow } from "../../lib/model/image.ts";
import { createSearch, type Search } from "../../lib/search.ts";
import { fold, MAX_TEXT_WORDS, tagTerm, wordsOf } from "../../lib/search/terms.ts";
import { timeOf } from "../../lib/search/span.ts";
import { tables } from "../../lib/tables.ts";
import { createAlbum, rank, seeded, word } from "../helpers/album.ts";
import { recountSearch } from "../helpers/recount_search.ts";

const TENANT = "0197a3f0-5c1e-7b3a-9d51-6f0e3a1b2c4d";

type Picture = { row: ImageRow; text: string };

/** A database with `count` made-up images; `words` is how many different ones they use. */
async function startAlbum(count: number, { seed = 1, words = 2_000 } = {}) {
  const db = createDatabase(await Deno.openKv(":memory:"), Object.values(tables));
  const search = createSearch({ db });
  const album = createAlbum(TENANT, seeded(seed), words);
  const pictures = Array.from({ length: count }, () => album());
  for (const picture of pictures) await put(db, search, picture);
  return {
    db,
    search,
    album,
    pictures,
    put: (picture: Picture) => put(db, search, picture),
    [Symbol.dispose]: () => db.close(),
  };
}

async function put(db: Database, search: Search, { row, text }: Picture) {
  await db.transact(async (tx) => {
    tx.set(tables.images.key(row.tenant, row.id), row);
    for (let piece = 0; piece < 10; piece++) {
      const part = text.slice(piece * 20_000, (piece + 1) * 20_000);
      if (part) tx.set(tables.texts.key(row.tenant, row.id, piece), part);
      else tx.delete(tables.texts.key(row.tenant, row.id, piece));
    }
    await search.index(tx, row, text);
  });
}

async function allIds(search: Search, filter: ImageFilter, limit = 50): Promise<string[]> {
  const ids: string[] = [];
  let before: string | undefined;
  do {
    const { items, next } = await search.find(TENANT, filter, limit, before);
    assert.ok(items.length <= limit);
    ids.push(...items.map(({ id }) => id));
    before = next ?? undefined;
  } while (before);
  return ids;
}

/** What a filter means, by looking at each picture. */
function isMeant({ row, text }: Picture, filter: ImageFilter): boolean {
  const plain = (given: string) => given.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const list = (given: string) => plain(given).split(/[^a-z0-9]+/);
  const words = list([row.original_name, row.ai?.description, row.ai?.tags, text].join(" "));
  const wanted = filter.text === undefined ? [] : list(filter.text);
  const last = wanted.pop() ?? "";
  const { camera } = row.exif!;
  const created = Date.parse(row.created_at);
  return wanted.every((wish) => words.includes(wish)) &&
    words.some((known) => known.startsWith(last)) &&
    (filter.status ?? row.status) === row.status &&
    (filter.tag === undefined || row.ai!.tags.includes(filter.tag)) &&
    (filter.has_gps ?? row.exif!.gps.has_gps) === row.exif!.gps.has_gps &&
    (filter.has_text ?? row.ocr!.has_text) === row.ocr!.has_text &&
    (filter.camera ?? camera.make ?? "") === (camera.make ?? "") &&
    (filter.camera_id ?? row.camera_id) === row.camera_id &&
    plain(row.original_name).startsWith(plain(filter.original_name ?? "")) &&
    created >= (filter.from ?? 0) && created <= (filter.to ?? Infinity);
}

Deno.test("find() gives what each filter, and any of them together, means: newest first, once", async () => {
  using album = await startAlbum(600);
  const random = seeded(7);
  const time = () => Date.UTC(2026, 0, 1) + Math.floor(random() * 600_000);
  const make: { [K in keyof Required<ImageFilter>]: () => ImageFilter[K] } = {
    status: () =>
      (["done", "partial", "failed", "pending", "processing"] as const)[rank(random, 5)],
    tag: () => word(rank(random, 100)),
    text: () =>
      Array.from({ length: 1 + rank(random, 3) }, () => word(rank(random, 500))).join(" "),
    has_gps: () => random() < 0.5,
    has_text: () => random() < 0.5,
    camera: () => ["Apple", "Canon", "NIKON CORPORATION"][rank(random, 3)],
    camera_id: () => crypto.randomUUID(),
    from: time,
    to: time,
    original_name: () => "img_000123.jpg".slice(0, 1 + Math.floor(random() * 12)),
  };
  const names = Object.keys(make) as (keyof ImageFilter)[];
  const cases: ImageFilter[] = [{}, ...names.map((name) => ({ [name]: make[name]() }))];
  for (let i = 0; i < 120; i++) {
    const chosen = names.filter((name) => name !== "camera_id" && random() < 0.25);
    cases.push(Object.fromEntries(chosen.map((name) => [name, make[name]()])));
  }
  for (const filter of cases) {
    const expected = album.pictures.filter((picture) => isMeant(picture, filter))
      .map(({ row }) => row.id).toReversed();
    const limit = 1 + Math.floor(random() * 60);
    assert.deepEqual(await allIds(album.search, filter, limit), expected, JSON.stringify(filter));
  }
});

Deno.test("find() finds a word by its beginning, however many words and images share it", async () => {
  using album = await startAlbum(0);
  const ids = (count: number, description: (n: number) => string) =>
    Array.from({ length: count }, async (_, n) => {
      const { row } = album.album();
      row.ai = { ...row.ai!, tags: [], description: description(n) };
      row.original_name = "a.png";
      await album.put({ row, text: "" });
      return row.id;
    });
  const few = await Promise.all(ids(5, (n) => `zebra${n} zebras`));
  const rare = await Promise.all(ids(80, (n) => `quartz${n}`));
  const common = await Promise.all(ids(1_100, (n) => n % 2 ? `stone${n}` : "sand"));
  const newest = (some: string[]) => some.toSorted().toReversed();
  assert.deepEqual(await allIds(album.search, { text: "zebra" }), newest(few), "lists merged");
  assert.deepEqual(await allIds(album.search, { text: "zebra3" }), [few[3]]);
  assert.deepEqual(await allIds(album.search, { text: "quart" }), newest(rare), "entries sorted");
  const stones = common.filter((_, n) => n % 2);
  assert.deepEqual(await allIds(album.search, { text: "sto" }), newest(stones), "all looked at");
});

Deno.test("find() meets Café by cafe and CAFÉ, in either of Unicode's spellings", async () => {
  using album = await startAlbum(20);
  const { row } = album.album();
  row.ai = { ...row.ai!, tags: ["café"], description: "Œuvre d'été, Straße" };
  await album.put({ row, text: "Menü du Café de Flore\nprix 12,50 €" });
  const found = async (filter: ImageFilter) =>
    (await allIds(album.search, filter)).includes(row.id);
  for (
    const text of ["cafe", "CAFÉ", "cafe\u0301", "flore café", "menu prix 12", "oeuvre", "strass"]
  ) {
    assert.equal(await found({ text }), true, text);
  }
  for (const text of ["caff", "men café", "flores", "__proto__x"]) {
    assert.equal(await found({ text }), false, text);
  }
  for (const tag of ["café", "Café", "cafe\u0301"]) assert.equal(await found({ tag }), true, tag);
  assert.equal(await found({ tag: "cafe" }), false, "tags are told apart by their accents");
});

Deno.test("find() refuses a text without a word, and one with too many", async () => {
  using album = await startAlbum(1);
  for (const filter of [{ text: "!?" }, { text: "a b c d e f g h i j k" }, { camera: "--" }]) {
    await assert.rejects(album.search.find(TENANT, filter, 10), { code: "invalid_content" });
  }
});

Deno.test("find() bounds its search: a short page tells where to go on", async () => {
  using album = await startAlbum(0);
  for (let n = 0; n < 1_200; n++) {
    const { row, text } = album.album();
    row.status = n < 600 ? "done" : "partial";
    row.exif!.gps.has_gps = n >= 600 || n === 0;
    await album.put({ row, text });
  }
  const filter: ImageFilter = { status: "done", has_gps: true };
  const first = await album.search.find(TENANT, filter, 10);
  assert.deepEqual(first.items, []);
  assert.ok(first.next);
  assert.equal((await allIds(album.search, filter)).length, 1);
});

Deno.test("index() and forget() keep index, tags and records the same, whatever happens to them", async () => {
  using album = await startAlbum(60, { seed: 3 });
  const random = seeded(5);
  const alive = new Map(album.pictures.map((picture) => [picture.row.id, picture]));
  for (let round = 0; round < 40; round++) {
    const ids = [...alive.keys()].toSorted(() => random() - 0.5).slice(0, 8);
    await Promise.all(ids.map(async (id) => {
      if (random() < 0.3) {
        alive.delete(id);
        return await take(album, id);
      }
      const picture = album.album(random() < 0.6 ? id : undefined);
      alive.set(picture.row.id, picture);
      await album.put(picture);
    }));
  }
  assert.deepEqual(await recountSearch(album.db), []);
  const tags = Map.groupBy([...alive.values()].flatMap(({ row }) => row.ai!.tags), tagTerm);
  const told = await album.search.tags(TENANT);
  assert.deepEqual(
    new Map(told.map(({ tag, count }) => [`tag:${tag}`, count])),
    new Map([...tags].map(([term, { length }]) => [term, length])),
  );
  assert.deepEqual(told, told.toSorted((a, b) => b.count - a.count), "the most used come first");
  for (const id of alive.keys()) await take(album, id);
  assert.deepEqual(await album.search.tags(TENANT), []);
  assert.deepEqual(await recountSearch(album.db), []);
  for (const table of [tables.imagesBy, tables.terms]) {
    for await (const { key } of album.db.list({ prefix: table.prefix() })) {
      assert.fail(`left: ${key}`);
    }
  }
});

Deno.test("index() writes the difference alone", async () => {
  using album = await startAlbum(1);
  const [{ row, text }] = album.pictures as [Picture];
  const writes = { set: 0, delete: 0 };
  await album.db.transact(async (tx) => {
    const counted = {
      ...tx,
      set: () => void writes.set++,
      delete: () => void writes.delete++,
    };
    await album.search.index(counted, { ...row, status: "processing" });
    assert.deepEqual(
      writes,
      { set: 2, delete: 1 },
      "the new status, the list of terms; the old one",
    );
    await album.search.index(counted, row, text);
    assert.deepEqual(writes, { set: 2, delete: 1 }, "nothing has changed");
  });
});

Deno.test("index() and forget() stay within one transaction, however long the text", async () => {
  using album = await startAlbum(1);
  const [{ row }] = album.pictures as [Picture];
  const long = (name: string) => Array.from({ length: 20_000 }, (_, n) => `${name}${n}`).join(" ");
  for (const name of ["first", "second", "𝒳".repeat(40)]) {
    const ai = { ...row.ai!, description: long(`${name}seen`).slice(0, 2_000) };
    await album.put({ row: { ...row, ai }, text: long(name).slice(0, 200_000) });
  }
  await take(album, row.id);
  assert.deepEqual(await recountSearch(album.db), []);
});

Deno.test("wordsOf() takes the most telling words when there are too many", () => {
  assert.deepEqual(wordsOf("Le prix de la Rose, 12 €, le prix", 10), [
    ...["le", "prix", "de", "la", "rose", "12"],
  ]);
  assert.deepEqual(wordsOf("le prix de la rose rouge", 3), ["prix", "rose", "rouge"]);
  assert.equal(wordsOf("x".repeat(1_000), 1)[0]?.length, 32);
  assert.equal(wordsOf("a1 b2 ".repeat(500), MAX_TEXT_WORDS).length, 2);
});

Deno.test("fold() takes away case, accents and ligatures, and survives broken text", () => {
  assert.equal(fold("ÀÉÎõü ŒUVRE Straße ﬁn"), "aeiou oeuvre strasse fin");
  assert.equal(fold("ΟΔΟΣ"), fold("οδος"));
  assert.equal(fold("e\u0301"), fold("é"));
  assert.equal(fold("a\ud800b"), "a\ufffdb");
});

Deno.test("timeOf() reads the time of an id", () => {
  assert.equal(timeOf("0197a3f0-5c1e-7b3a-9d51-6f0e3a1b2c4d"), 0x0197a3f05c1e);
});

function take({ db, search }: { db: Database; search: Search }, id: string): Promise<void> {
  return db.transact(async (tx) => {
    tx.delete(tables.images.key(TENANT, id));
    for (let piece = 0; piece < 10; piece++) tx.delete(tables.texts.key(TENANT, id, piece));
    await search.forget(tx, TENANT, id);
  });
}

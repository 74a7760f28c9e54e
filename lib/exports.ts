import { getLogger } from "@logtape/logtape";
import { type Archive, streamArchive } from "./archive.ts";
import type { Audit } from "./audit.ts";
import { type Clock, timestamp } from "./clock.ts";
import { Problem } from "./errors.ts";
import type { AnyTable, Database } from "./kv.ts";
import type { Tenant } from "./model/tenant.ts";
import type { Storage } from "./storage/storage.ts";
import { tables } from "./tables.ts";

const log = getLogger(["imago", "exports"]);

/** JSON lines of so many characters make a file: its size must be known before it begins. */
const PART_LENGTH = 1_000_000;
/** So many files that went meanwhile are named; the others are counted. */
const MAX_NAMED = 1_000;

const ALL: AnyTable[] = Object.values(tables);
const EXPORTED = ALL.filter(({ parts, exported }) => parts[0] === "tenant" && exported);

type Deps = { db: Database; storage: Storage; clock: Clock; audit: Audit };

/**
 * Everything that is kept of a tenant, as one tar archive: `records/<table>-<part>.jsonl`,
 * `files/…` with the bytes, and at its end `export.json`, which counts what is in it. Secrets are
 * never exported: each table says in `lib/tables.ts` what of it is. It is read while others write:
 * each record is told as it stood when its turn came, and a file that is deleted meanwhile is named.
 */
export function createExports({ db, storage, clock, audit }: Deps) {
  const underWay = new Set<string>();

  const writeRecords = async (archive: Archive, tenant: string) => {
    const records: Record<string, number> = {};
    for (const table of EXPORTED) {
      let part = 0;
      for await (const lines of parts(linesOf(db, table, tenant))) {
        const number = String(++part).padStart(4, "0");
        await archive.text(`records/${table.name}-${number}.jsonl`, lines.join(""));
        records[table.name] = (records[table.name] ?? 0) + lines.length;
      }
    }
    return records;
  };

  /** Where an object stands in the archive; originals get the ending of their format. */
  const nameOf = async (tenant: string, key: string) => {
    const [, image = "", ...rest] = key.split("/");
    const name = `files/${image}/${rest.join("/")}`;
    const row = name.endsWith("/original") && await db.get(tables.images.key(tenant, image));
    return row ? `${name}.${row.format}` : name;
  };

  const writeFiles = async (archive: Archive, tenant: string) => {
    const told = { files: 0, bytes: 0, incomplete: [] as string[], incomplete_count: 0 };
    for await (const { key } of storage.list(`${tenant}/`)) {
      const name = await nameOf(tenant, key);
      const object = await storage.get(key);
      const broken = object && await archive.file(name, object, object.body);
      if (broken) log.warn("Cannot export all of {key}: {error}", { key, error: broken });
      if (object && !broken) {
        told.files++;
        told.bytes += object.size;
      } else if (++told.incomplete_count <= MAX_NAMED) told.incomplete.push(name);
    }
    return told;
  };

  const write = async (archive: Archive, { id, name }: Tenant) => {
    const started_at = timestamp(clock.now());
    await archive.text("README.txt", introduce(name, started_at));
    const records = await writeRecords(archive, id);
    const files = await writeFiles(archive, id);
    const done_at = timestamp(clock.now());
    const summary = { client: { id, name }, started_at, done_at, records, ...files };
    await archive.text("export.json", `${JSON.stringify(summary, null, 2)}\n`);
  };

  return {
    /**
     * Begins an export, which goes on as fast as it is read and holds some MiB at most, however
     * much there is. `conflict` while another one of the same tenant is being read.
     */
    async open(tenant: Tenant, actor: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
      if (underWay.has(tenant.id)) {
        throw new Problem("conflict", "Cannot export: read the export that is under way first");
      }
      underWay.add(tenant.id);
      const release = () => void underWay.delete(tenant.id);
      try {
        await db.transact(async (tx) => {
          const owner = await tx.get(tables.tenants.key(tenant.id));
          if (!owner?.active) throw new Problem("unauthorized", "The client is deactivated");
          audit.note(tx, tenant.id, actor, "privacy.exported");
        });
      } catch (error) {
        release();
        throw error;
      }
      return streamArchive(clock, (archive) =>
        write(archive, tenant).catch((error) => {
          log.warn("An export ended before its end: {error}", { error });
          throw error;
        }).finally(release));
    },
  };
}

export type Exports = ReturnType<typeof createExports>;

/** A tenant's records of a table, one line of JSON each: the rest of its key by name, and its value. */
async function* linesOf(db: Database, table: AnyTable, tenant: string): AsyncGenerator<string> {
  const hidden = typeof table.exported === "object" ? table.exported.without : [];
  for await (const { key, value } of entriesOf(db, table, tenant)) {
    const named = table.parts.slice(1).map((part, i) => [part, key[i + 2]]);
    const line = { key: Object.fromEntries(named), value: without(value, hidden) };
    yield `${JSON.stringify(line, plain)}\n`;
  }
}

async function* entriesOf(db: Database, { parts, prefix }: AnyTable, tenant: string) {
  const place = prefix(tenant);
  // A list by prefix leaves out the key that is the prefix.
  if (parts.length > 1) return yield* db.list<unknown>({ prefix: place });
  const entry = await db.entry<unknown>(place);
  if (entry.versionstamp) yield entry;
}

function without(value: unknown, hidden: readonly string[]): unknown {
  if (hidden.length === 0 || typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([field]) => !hidden.includes(field)));
}

/** What JSON has no word for: counters become numbers, bytes become base64. */
function plain(_: string, value: unknown): unknown {
  if (value instanceof Deno.KvU64) return Number(value.value);
  if (value instanceof Uint8Array) return value.toBase64();
  return typeof value === "bigint" ? String(value) : value;
}

async function* parts(lines: AsyncIterable<string>): AsyncGenerator<string[]> {
  let part: string[] = [];
  let length = 0;
  for await (const line of lines) {
    part.push(line);
    length += line.length;
    if (length < PART_LENGTH) continue;
    yield part;
    [part, length] = [[], 0];
  }
  if (part.length) yield part;
}

function introduce(name: string, at: string): string {
  return `What Imago keeps of "${name}", read from ${at} on.

records/   One file or more for each kind of record: images, texts, drafts, audit ...
           Each line is a JSON object: "key" says which one it is, "value" what is known of it.
files/     The pictures, and what was made of them. What a record calls
           "<client>/<id>/<name>" stands in files/<id>/<name>; an original also has the ending of
           its format. The name under which it was uploaded is in records/images, "original_name".
export.json  Comes last and counts the above. An archive without it was cut off: ask again.
           "incomplete" names files that could not be read to their end, because they were deleted
           meanwhile.

Left out are secrets (keys are kept as hashes only), indexes that follow from the records, and
answers that are kept for a day for requests that are repeated.
`;
}

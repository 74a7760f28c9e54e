import { sha256Of } from "./auth/key_format.ts";
import { Problem } from "./errors.ts";
import { createFlights } from "./flights.ts";
import { type OutputSpec, RENDITIONS } from "./imaging/engine.ts";
import type { Imaging } from "./imaging/imaging.ts";
import { plan } from "./imaging/plan.ts";
import type { Database } from "./kv.ts";
import type { ImageRow } from "./model/image.ts";
import {
  MAX_SIDE,
  type OutputFormat,
  type Preset,
  type Transform,
  type Variant,
} from "./model/transform.ts";
import type { Storage } from "./storage/storage.ts";
import { tables } from "./tables.ts";

/** Distinct variants of one image; its thumbnails come on top. */
const MAX_VARIANTS = 50;
/** A cut is made from a whole picture of at most so many pixels, however narrow that is. */
const MAX_FRAME_PIXELS = 100_000_000;

const QUALITY: Record<OutputFormat, number> = { jpeg: 80, webp: 80, avif: 50 };
const EXTENSION: Record<OutputFormat, string> = { jpeg: "jpg", webp: "webp", avif: "avif" };

type ThumbnailName = "small" | "medium";
const THUMBNAILS: string[] = ["small", "medium"] satisfies ThumbnailName[];

/** What a caller may ask for; whatever is left out is chosen. */
export type Wishes = Partial<Transform> & { preset?: Preset };

type Deps = {
  db: Database;
  storage: Storage;
  imaging: Imaging;
  newId: () => string;
};

/** Pictures that are made of images when they are asked for, once, and kept with their image. */
export function createTransforms({ db, storage, imaging, newId }: Deps) {
  const flights = createFlights<Variant>();

  const make = async (row: ImageRow, name: string, spec: OutputSpec): Promise<Variant> => {
    const known = await db.get(tables.variants.key(row.tenant, row.id)) ?? {};
    if (known[name]) return known[name];
    refuseOneMore(known, name);
    const original = await storage.get(row.original);
    if (!original) throw gone(row);
    const { outputs } = await imaging.render(
      { stream: original.body, length: original.size },
      { format: row.format, outputs: [spec] },
    );
    const { bytes, width, height } = outputs[spec.name]!;
    // A name of its own each time: what a crash leaves can be swept without looking twice.
    const key = `${row.tenant}/${row.id}/${name}-${newId()}.${EXTENSION[spec.format]}`;
    await storage.put(key, bytes);
    return await keep(row, name, {
      key,
      format: spec.format,
      width,
      height,
      size_bytes: bytes.length,
    });
  };

  /** Commits a variant whose bytes are stored, or the one that another process has made meanwhile. */
  const keep = async (row: ImageRow, name: string, made: Variant): Promise<Variant> => {
    const place = tables.variants.key(row.tenant, row.id);
    try {
      const kept = await db.transact(async (tx) => {
        if (!await tx.get(tables.images.key(row.tenant, row.id))) throw gone(row);
        const known = await tx.get(place) ?? {};
        if (known[name]) return known[name];
        refuseOneMore(known, name);
        tx.set(place, { ...known, [name]: made });
        return made;
      });
      if (kept !== made) await storage.delete(made.key);
      return kept;
    } catch (error) {
      // After any other error the commit may have taken place: then the sweep decides.
      if (error instanceof Problem) await storage.delete(made.key);
      throw error;
    }
  };

  const shared = (row: ImageRow, name: string, spec: OutputSpec) =>
    flights.run(`${row.tenant}/${row.id}/${name}`, () => make(row, name, spec));

  return {
    /**
     * The picture as a transform wants it, `accept` (a header) deciding where that leaves the format
     * open. Made once, however many ask at the same time. `conflict` when the image has its 50
     * variants, `invalid_content` for what cannot be decoded or cut like this, `unsupported_type`
     * for a format that the engine cannot write, `unavailable` when too many pictures wait.
     */
    get(row: ImageRow, transform: Transform, accept = ""): Promise<Variant> {
      const { width, height, fit } = transform;
      const format = transform.format ?? negotiate(accept, imaging.writes());
      const quality = transform.quality ?? QUALITY[format];
      const spec: OutputSpec = { name: "variant", width, height, fit, format, quality };
      const { frame, cut } = plan(spec, row);
      if (frame.width * frame.height > MAX_FRAME_PIXELS) throw tooNarrow(transform);
      // The size that comes out, not the box: what looks the same is the same.
      const options = [cut.width, cut.height, fit, format, quality];
      return shared(row, sha256Of(JSON.stringify(options)).slice(0, 32), spec);
    },

    /** A thumbnail that the pipeline has not made (yet). Errors as with `get`, but for `conflict`. */
    thumbnail(row: ImageRow, name: ThumbnailName): Promise<Variant> {
      return shared(row, name, RENDITIONS.find((spec) => spec.name === name)!);
    },
  };
}

export type Transforms = ReturnType<typeof createTransforms>;

/** The one spelling of what was asked for. A preset is the box of one of the pipeline's pictures. */
export function normalize({ preset, ...asked }: Wishes): Transform {
  const base = RENDITIONS.find(({ name }) => name === preset);
  const width = asked.width ?? (asked.height ? undefined : base?.width);
  const height = asked.height ?? (asked.width ? undefined : base?.height);
  return {
    width: width ?? MAX_SIDE,
    height: height ?? MAX_SIDE,
    // Nothing is cut where a side is free.
    fit: asked.fit === "cover" && width && height ? "cover" : "inside",
    format: asked.format ?? null,
    quality: asked.quality ?? null,
  };
}

/**
 * The best format that an `Accept` header names (RFC 9110, 12.5.1), by its weight and then by size;
 * JPEG where it names none of them: `*` says nothing of new formats.
 */
export function negotiate(accept: string, writes: readonly OutputFormat[]): OutputFormat {
  const weights = new Map(
    accept.toLowerCase().split(",").map((range) => {
      const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
      const weight = parameters.find((part) => part.startsWith("q="))?.slice(2) ?? "1";
      return [type, Number(weight)];
    }),
  );
  const named = (["avif", "webp", "jpeg"] as const).filter((format) =>
    writes.includes(format) && (weights.get(`image/${format}`) ?? 0) > 0
  );
  const weightOf = (format: OutputFormat) => weights.get(`image/${format}`) ?? 0;
  return named.toSorted((a, b) => weightOf(b) - weightOf(a))[0] ?? "jpeg";
}

function refuseOneMore(known: Record<string, Variant>, name: string) {
  if (THUMBNAILS.includes(name)) return;
  const count = Object.keys(known).filter((other) => !THUMBNAILS.includes(other)).length;
  if (count < MAX_VARIANTS) return;
  throw new Problem(
    "conflict",
    `Cannot render another variant: this image has ${MAX_VARIANTS} already, ask for one of those`,
  );
}

function tooNarrow({ width, height }: Transform): Problem {
  return new Problem(
    "invalid_content",
    `Cannot cut ${width} × ${height} from this picture: it is too narrow for that`,
  );
}

function gone({ id }: ImageRow): Problem {
  return new Problem("not_found", `Cannot find image "${id}"`);
}

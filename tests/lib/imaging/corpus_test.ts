/**
 * Runs every picture of the corpus through probe, rendering and EXIF, when the corpus lies beside
 * the checkout. By default a representative part; IMAGO_FULL=1 runs all of it.
 */
import assert from "node:assert/strict";
import { z } from "@hono/zod-openapi";
import sharp from "sharp";
import { Problem } from "../../../lib/errors.ts";
import type { Exif } from "../../../lib/model/image.ts";
import { createImaging, type Imaging } from "../../../lib/imaging/imaging.ts";
import { createProbe, type ProbeResult } from "../../../lib/imaging/probe.ts";

const CORPUS = new URL("../../../../shared/corpus/", import.meta.url);
const FULL = Deno.env.get("IMAGO_FULL") === "1";

const number = z.number().nullable();
const Entry = z.object({
  file: z.string(),
  outcome: z.enum(["accept", "reject", "policy", "either"]),
  bytes: z.number(),
  core: z.boolean().optional(),
  display_width: number.optional(),
  display_height: number.optional(),
  exif: z.object({
    make: z.string().nullable(),
    model: z.string().nullable(),
    lens: z.string().nullable(),
    iso: number,
    f_number: number,
    exposure_s: number,
    focal_mm: number,
    taken_at_raw: z.string().nullable(),
    offset: z.string().nullable(),
  }).nullable().optional(),
  gps: z.object({ lat: number, lon: number, alt: number }).nullable().optional(),
  luma8x8_oriented: z.array(z.number()).length(64).nullable().optional(),
});
type Entry = z.infer<typeof Entry>;

/** Its pattern is as fine as the grid: the manifest's values, made by another filter, are smoother. */
const FINE_PATTERN = "exif/pillow_exif.png";

const entries = readManifest();

for (const engine of ["sharp", "imagescript"] as const) {
  Deno.test({
    name: `render() and exif() do what the corpus expects (${engine})`,
    ignore: entries.length === 0,
    async fn(t) {
      await using imaging = await createImaging({ engine, cores: 2 });
      // What is slow without native code is left to the full run.
      const chosen = entries.filter((entry) =>
        FULL || (entry.core && (engine === "sharp" || entry.bytes < 400_000))
      );
      for (const entry of chosen) {
        await t.step(entry.file, async () => await check(imaging, entry));
      }
      assert.equal(imaging.stats().crashed, 0);
    },
  });
}

function readManifest(): Entry[] {
  try {
    const manifest: unknown = JSON.parse(Deno.readTextFileSync(new URL("manifest.json", CORPUS)));
    return z.object({ files: z.array(Entry) }).parse(manifest).files;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return [];
    throw error;
  }
}

async function check(imaging: Imaging, entry: Entry): Promise<void> {
  const bytes = await Deno.readFile(new URL(entry.file, CORPUS));
  try {
    const header = probeInChunks(bytes);
    imaging.supports(header.format);
    await checkRenditions(imaging, entry, bytes, header);
    checkExif(entry, await imaging.exif(bytes, header));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const isUnreadable = error.code === "unsupported_type" &&
      /engine imagescript/.test(error.detail);
    assert.ok(entry.outcome !== "accept" || isUnreadable, `${error.code}: ${error.detail}`);
    assert.ok([400, 415, 422].includes(error.status));
    return;
  }
  assert.notEqual(entry.outcome, "reject");
}

function probeInChunks(bytes: Uint8Array): ProbeResult {
  const probe = createProbe();
  for (let at = 0; at < bytes.length; at += 4096) probe.push(bytes.subarray(at, at + 4096));
  return probe.end();
}

async function checkRenditions(
  imaging: Imaging,
  entry: Entry,
  bytes: Uint8Array,
  header: ProbeResult,
): Promise<void> {
  const result = await imaging.render(bytes, { format: header.format, placeholders: true });
  assert.deepEqual([result.width, result.height], [header.width, header.height]);
  const { display_width, display_height } = entry;
  if (display_width) {
    assert.deepEqual([result.width, result.height], [display_width, display_height]);
  }
  for (const { bytes } of Object.values(result.outputs)) {
    const { exif, icc, xmp, iptc, orientation } = await sharp(bytes).metadata();
    assert.deepEqual({ exif, icc, xmp, iptc, orientation }, NO_METADATA);
  }
  const expected = entry.luma8x8_oriented;
  if (!expected || spread(expected) < 3) return;
  const grid = await luma8x8(result.outputs.medium!.bytes);
  const similarity = correlation(grid, expected);
  const least = entry.file === FINE_PATTERN ? 0.9 : 0.95;
  assert.ok(similarity > least, `correlation ${similarity}`);
}

const NO_METADATA = {
  ...{ exif: undefined, icc: undefined, xmp: undefined, iptc: undefined },
  orientation: undefined,
};

function checkExif(entry: Entry, { camera, gps }: Exif): void {
  const { exif } = entry;
  const parse = (text: string | null) => text === null ? null : Number.parseFloat(text);
  if (exif) {
    assert.equal(camera.make, exif.make);
    assert.equal(camera.model, exif.model);
    assert.equal(camera.lens, exif.lens);
    assert.equal(camera.iso, exif.iso);
    near(parse(camera.aperture?.replace("f/", "") ?? null), exif.f_number, 1e-3);
    near(parse(camera.focal_length), exif.focal_mm, 1e-3);
    near(seconds(camera.shutter_speed), exif.exposure_s, 5e-3);
    assert.equal(camera.taken_at, isoTime(exif.taken_at_raw));
    assert.equal(camera.taken_at_offset, exif.offset);
  }
  assert.equal(gps.has_gps, Boolean(entry.gps));
  if (!entry.gps) return;
  assert.ok(Math.abs(gps.latitude! - entry.gps.lat!) < 1e-5);
  assert.ok(Math.abs(gps.longitude! - entry.gps.lon!) < 1e-5);
  if (entry.gps.alt !== null) assert.ok(Math.abs(gps.altitude! - entry.gps.alt) < 0.01);
}

function near(actual: number | null, expected: number | null, tolerance: number): void {
  if (actual === null || expected === null) return assert.equal(actual, expected);
  assert.ok(Math.abs(actual - expected) <= tolerance * expected, `${actual} is not ${expected}`);
}

function seconds(shutter: string | null): number | null {
  if (shutter === null) return null;
  const [parts, whole] = shutter.split("/").map(Number);
  return whole === undefined ? parts! : parts! / whole;
}

function isoTime(raw: string | null): string | null {
  if (!raw || raw.startsWith("0000")) return null;
  return raw.replace(/^(\d+):(\d+):(\d+) /, "$1-$2-$3T");
}

/** Grey means of an 8 × 8 grid, each cell weighted by the area that it covers. */
async function luma8x8(jpeg: Uint8Array): Promise<number[]> {
  const { data, info } = await sharp(jpeg).toColourspace("srgb").raw()
    .toBuffer({ resolveWithObject: true });
  const grey = (at: number) => 0.2126 * data[at]! + 0.7152 * data[at + 1]! + 0.0722 * data[at + 2]!;
  const across = shares(info.width);
  const down = shares(info.height);
  return down.flatMap((rows) =>
    across.map((columns) => {
      let sum = 0;
      let weight = 0;
      for (const [y, rowShare] of rows) {
        for (const [x, columnShare] of columns) {
          sum += grey((y * info.width + x) * info.channels) * rowShare * columnShare;
          weight += rowShare * columnShare;
        }
      }
      return sum / weight;
    })
  );
}

/** For each of 8 cells the positions along a side that it covers, and by how much. */
function shares(length: number): [position: number, share: number][][] {
  return Array.from({ length: 8 }, (_, cell) => {
    const [from, to] = [cell * length / 8, (cell + 1) * length / 8];
    const covered: [number, number][] = [];
    for (let at = Math.floor(from); at < to; at++) {
      covered.push([at, Math.min(at + 1, to) - Math.max(at, from)]);
    }
    return covered;
  });
}

function spread(values: number[]): number {
  const mean = values.reduce((sum, value) => sum + value) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

function correlation(left: number[], right: number[]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value) / values.length;
  const [leftMean, rightMean] = [mean(left), mean(right)];
  const products = left.map((value, index) => (value - leftMean) * (right[index]! - rightMean));
  return mean(products) / (spread(left) * spread(right));
}

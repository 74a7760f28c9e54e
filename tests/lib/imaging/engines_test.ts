import assert from "node:assert/strict";
import sharp, { type Sharp } from "sharp";
import { Problem } from "../../../lib/errors.ts";
import { createImaging, type OutputSpec } from "../../../lib/imaging/imaging.ts";
import { QUADRANTS, quadrants } from "../../fixtures/make_pictures.ts";

const fixture = (name: string) => Deno.readFile(new URL(`../../fixtures/${name}`, import.meta.url));

const JPEG = { fit: "inside", format: "jpeg", quality: 95 } as const;
const FULL: OutputSpec = { name: "full", ...JPEG };

/** Which quadrants stand where once a picture is upright: top left, top right, bottom left, right. */
const CORNERS = ["red", "green", "blue", "white"] as const;

for (const engine of ["sharp", "imagescript"] as const) {
  Deno.test({
    name: `createImaging() works with ${engine}`,
    sanitizeOps: true,
    sanitizeResources: true,
    async fn(t) {
      await using imaging = await createImaging({ engine, cores: 1 });

      await t.step("render() turns all eight orientations upright", async () => {
        for (let orientation = 1; orientation <= 8; orientation++) {
          const bytes = await stored(orientation);
          const result = await imaging.render(bytes, { format: "jpeg", outputs: [FULL] });
          assert.deepEqual([result.width, result.height], [96, 64]);
          assert.deepEqual(await corners(result.outputs.full!.bytes), CORNERS, `${orientation}`);
        }
      });

      await t.step("render() reads every format it says it reads", async () => {
        for (const format of imaging.formats()) {
          if (format === "heic") continue;
          const bytes = await fixture(`plain.${format === "jpeg" ? "jpg" : format}`)
            .catch(() => fixture("camera.webp"));
          const { outputs } = await imaging.render(bytes, { format, outputs: [FULL] });
          const { width, height } = outputs.full!;
          assert.deepEqual([width, height], format === "webp" ? [64, 96] : [96, 64]);
        }
      });

      await t.step("render() gives the sizes that were asked for, never larger", async () => {
        const bytes = await fixture("plain.png");
        const outputs: OutputSpec[] = [
          { name: "large", width: 4000, height: 4000, ...JPEG },
          { name: "thin", width: 30, ...JPEG },
          { name: "square", width: 32, height: 32, ...JPEG, fit: "cover" },
          { name: "tall", width: 100, height: 300, ...JPEG, fit: "cover" },
        ];
        const result = await imaging.render(bytes, { format: "png", outputs });
        const sides = Object.entries(result.outputs).map(async ([name, { bytes }]) => {
          const { width, height, format } = await sharp(bytes).metadata();
          return [name, `${format} ${width}x${height}`];
        });
        assert.deepEqual(Object.fromEntries(await Promise.all(sides)), {
          ...{ large: "jpeg 96x64", thin: "jpeg 30x20" },
          ...{ square: "jpeg 32x32", tall: "jpeg 100x300" },
        });
      });

      await t.step("render() lays transparency on white or on what was asked for", async () => {
        const outputs = [FULL, { ...FULL, name: "black", background: "#000000" }];
        const result = await imaging.render(await fixture("alpha.png"), { format: "png", outputs });
        near(await pixel(result.outputs.full!.bytes, 10, 10), [237, 142, 142]);
        near(await pixel(result.outputs.black!.bytes, 10, 10), [110, 15, 15]);
      });

      await t.step("render() makes placeholders", async () => {
        const request = { format: "jpeg", placeholders: true } as const;
        const result = await imaging.render(await fixture("plain.jpg"), request);
        assert.deepEqual(Object.keys(result.outputs).sort(), ["medium", "preview", "small"]);
        assert.match(result.thumbhash, /^[\w+/]{20,40}=*$/);
        assert.match(result.dhash, /^[0-9a-f]{16}$/);
        const other = await imaging.render(await fixture("plain.png"), {
          ...request,
          format: "png",
        });
        assert.ok(distance(result.dhash, other.dhash) <= 8);
      });

      await t.step("render() refuses a damaged picture with a reason", async () => {
        const cut = (await fixture("camera.jpg")).subarray(0, 400);
        await assert.rejects(
          imaging.render(cut, { format: "jpeg", outputs: [FULL] }),
          (error) => error instanceof Problem && error.status === 422,
        );
        assert.equal(imaging.stats().crashed, 0);
      });

      await t.step("exif() reads the camera and the position", async () => {
        for (const [name, format] of [["camera.jpg", "jpeg"], ["camera.webp", "webp"]] as const) {
          const { camera, gps, orientation } = await imaging.exif(await fixture(name), { format });
          assert.equal(orientation, 6);
          assert.deepEqual(camera, CAMERA);
          assert.deepEqual(gps, {
            ...{ latitude: 48.858333, longitude: -2.294444, altitude: 35, has_gps: true },
            maps_url: "https://maps.google.com/?q=48.858333,-2.294444",
          });
        }
      });
    },
  });
}

const CAMERA = {
  ...{ make: "Imago", model: "Fixture 1", lens: "Imago 50mm", iso: 200 },
  ...{ aperture: "f/2.8", shutter_speed: "1/250", focal_length: "50mm" },
  ...{ taken_at: "2024-06-15T14:30:00", taken_at_offset: "+02:00" },
};

Deno.test("supports() names the engine for a format that it cannot read", async () => {
  await using imaging = await createImaging({ engine: "imagescript", cores: 1 });
  imaging.supports("png");
  assert.throws(
    () => imaging.supports("webp"),
    (error) => error instanceof Problem && error.status === 415 && /imagescript/.test(error.detail),
  );
});

Deno.test("render() blames the picture when its child had to be killed", async () => {
  await using imaging = await createImaging({ engine: "auto", cores: 1 });
  assert.equal(imaging.engineName(), "sharp");
  const job = imaging.render(await fixture("plain.png"), { format: "png" }, { deadlineMs: 0 });
  await assert.rejects(
    job,
    (error) =>
      error instanceof Problem && error.code === "invalid_content" &&
      error.extras.cause instanceof Problem && error.extras.cause.code === "upstream_timeout",
  );
});

/** The quadrants, stored so that they need turning. */
async function stored(orientation: number): Promise<Uint8Array> {
  const turns: Record<number, (image: Sharp) => Sharp> = {
    2: (image) => image.flop(),
    3: (image) => image.rotate(180),
    4: (image) => image.flip(),
    5: (image) => image.rotate(90).flip(),
    6: (image) => image.rotate(270),
    7: (image) => image.rotate(270).flip(),
    8: (image) => image.rotate(90),
  };
  const png = await quadrants().png().toBuffer();
  // sharp flips before it rotates, whatever the order of the calls.
  const turned = await (turns[orientation]?.(sharp(png)) ?? sharp(png)).png().toBuffer();
  return await sharp(turned).withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
}

async function corners(jpeg: Uint8Array): Promise<string[]> {
  const places = [[10, 10], [86, 10], [10, 54], [86, 54]] as const;
  const pixels = await Promise.all(places.map(([x, y]) => pixel(jpeg, x, y)));
  return pixels.map((found) =>
    Object.entries(QUADRANTS).toSorted(([, left], [, right]) =>
      difference(left, found) - difference(right, found)
    )[0]![0]
  );
}

async function pixel(jpeg: Uint8Array, x: number, y: number): Promise<number[]> {
  const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
  const at = (y * info.width + x) * info.channels;
  return [...data.subarray(at, at + 3)];
}

function near(actual: number[], expected: number[]): void {
  assert.ok(difference(actual, expected) < 20, `${actual} is not ${expected}`);
}

function difference(left: number[], right: number[]): number {
  return left.reduce((sum, value, index) => sum + Math.abs(value - right[index]!), 0);
}

function distance(left: string, right: string): number {
  return (BigInt(`0x${left}`) ^ BigInt(`0x${right}`)).toString(2).replaceAll("0", "").length;
}

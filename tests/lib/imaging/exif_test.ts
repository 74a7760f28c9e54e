import assert from "node:assert/strict";
import { localTime, readExif, shutterSpeed } from "../../../lib/imaging/exif.ts";
import { resample } from "../../../lib/imaging/resample.ts";

type Value = string | [numerator: number, denominator: number][] | number;

/** A TIFF block, big-endian, of one directory and those that it points to. */
function tiff(tags: Record<number, Value>, below: Record<number, Record<number, Value>> = {}) {
  const out = [...ascii("MM\0*"), ...u32(8)];
  writeDirectory(out, {
    ...tags,
    ...Object.fromEntries(Object.keys(below).map((tag) => [tag, 0])),
  });
  for (const [tag, inner] of Object.entries(below)) {
    out.splice(valueAt(out, Number(tag)), 4, ...u32(out.length));
    writeDirectory(out, inner);
  }
  return Uint8Array.from(out);
}

function writeDirectory(out: number[], tags: Record<number, Value>): void {
  const entries = Object.entries(tags).map(([tag, value]) => [Number(tag), value] as const);
  let free = out.length + 2 + 12 * entries.length + 4;
  const heap: number[] = [];
  out.push(...u16(entries.length));
  for (const [tag, value] of entries) {
    if (typeof value === "number") {
      out.push(...u16(tag), ...u16(4), ...u32(1), ...u32(value));
      continue;
    }
    const isText = typeof value === "string";
    const data = isText ? ascii(`${value}\0\0\0\0`) : value.flat().flatMap(u32);
    out.push(...u16(tag), ...u16(isText ? 2 : 5), ...u32(isText ? data.length : value.length));
    out.push(...u32(free));
    free += data.length;
    heap.push(...data);
  }
  out.push(...u32(0), ...heap);
}

function valueAt(out: number[], tag: number): number {
  for (let at = 10;; at += 12) if ((out[at]! << 8 | out[at + 1]!) === tag) return at + 8;
}

const ascii = (text: string) => [...new TextEncoder().encode(text)];
const u16 = (value: number) => [value >> 8 & 255, value & 255];
const u32 = (value: number) => [...u16(value >>> 16), ...u16(value & 0xffff)];
const whole = (...values: number[]): Value => values.map((value) => [value, 1]);

const GPS = { 1: "S", 2: whole(34, 36, 13), 3: "W", 4: whole(58, 22, 54) };
const read = (exif: Record<number, Value>, gps: Record<number, Value> = {}) =>
  readExif(tiff({}, { 0x8769: exif, 0x8825: gps }), "tiff");

Deno.test("shutterSpeed() writes what photographers write", () => {
  const expected: [number, string][] = [
    ...[[0.004, "1/250"], [0.0125, "1/80"], [0.5, "1/2"], [1 / 3, "1/3"]] as [number, string][],
    ...[[0.3, "0.3"], [0.6, "0.6"], [1, "1"], [2.5, "2.5"], [30, "30"]] as [number, string][],
    ...[[0.0009372071228, "1/1067"], [0.04424472866, "1/22.6"]] as [number, string][],
  ];
  for (const [seconds, text] of expected) assert.equal(shutterSpeed(seconds), text);
  assert.equal(shutterSpeed(null), null);
});

Deno.test("localTime() takes dates of the calendar only", () => {
  assert.equal(localTime("2024:06:15 14:30:00"), "2024-06-15T14:30:00");
  assert.equal(localTime("2024:02:29 23:59:59"), "2024-02-29T23:59:59");
  for (const bad of ["0000:00:00 00:00:00", "2024:02:30 10:00:00", "2024:06:15 25:61:61", "", 7]) {
    assert.equal(localTime(bad), null);
  }
});

Deno.test("readExif() gives signed degrees to six digits", () => {
  assert.deepEqual(read({}, GPS).gps, {
    ...{ latitude: -34.603611, longitude: -58.381667, altitude: null, has_gps: true },
    maps_url: "https://maps.google.com/?q=-34.603611,-58.381667",
  });
});

Deno.test("readExif() takes 0,0 for a place, and half a position for none", () => {
  const zero = { 1: "N", 2: whole(0, 0, 0), 3: "E", 4: whole(0, 0, 0) };
  assert.deepEqual([read({}, zero).gps.latitude, read({}, zero).gps.has_gps], [0, true]);
  const broken: Record<number, Value>[] = [
    { ...GPS, 1: "X" },
    { ...GPS, 2: whole(91, 0, 0) },
    { ...GPS, 4: [[58, 1], [22, 0], [54, 1]] },
    { ...GPS, 4: [[0, 0], [0, 0], [0, 0]] },
    { ...GPS, 2: "34" },
    { 2: GPS[2], 4: GPS[4] },
  ];
  for (const gps of broken) assert.equal(read({}, gps).gps.has_gps, false);
});

Deno.test("readExif() falls back from the shutter's time to the digitized one", () => {
  const digitized = { 0x9004: "2023:04:04 04:00:00", 0x9012: "+05:30" };
  const times = (exif: Record<number, Value>) => {
    const { taken_at, taken_at_offset } = read(exif).camera;
    return [taken_at, taken_at_offset];
  };
  assert.deepEqual(times(digitized), ["2023-04-04T04:00:00", "+05:30"]);
  assert.deepEqual(times({ 0x9003: "2023:02:02 02:00:00", ...digitized }), [
    "2023-02-02T02:00:00",
    null,
  ]);
  assert.deepEqual(
    times({ 0x9003: "    :  :     :  :  ", ...digitized })[0],
    "2023-04-04T04:00:00",
  );
});

Deno.test("readExif() cleans text and bounds it", () => {
  const block = tiff({ 0x010f: "  Caf\u00e9\x07 \u202e😀 ", 0x0110: "m".repeat(900) });
  const { make, model } = readExif(block, "tiff").camera;
  assert.equal(make, "Café \u202e😀");
  assert.equal(model?.length, 200);
});

Deno.test("readExif() gives nulls, never NaN, whatever byte is broken", () => {
  const exif: Record<number, Value> = {
    ...{ 0x829a: [[1, 250]], 0x829d: [[28, 10]], 0x9003: "2024:06:15 14:30:00" },
  };
  const block = tiff({ 0x010f: "Imago" }, { 0x8769: exif, 0x8825: GPS });
  for (let at = 0; at < block.length; at++) {
    for (const bits of [0xff, 0x80, 1]) {
      const changed = block.slice();
      changed[at]! ^= bits;
      assert.doesNotMatch(JSON.stringify(Object.values(readExif(changed, "tiff"))), /NaN|Infinity/);
      readExif(block.subarray(0, at), "tiff");
    }
  }
});

Deno.test("resample() keeps a flat colour, and hidden colours hidden", () => {
  const flat = new Uint8Array(40 * 30 * 3).fill(77);
  const small = resample({ width: 40, height: 30, channels: 3, data: flat }, {
    width: 7,
    height: 5,
  });
  assert.ok(small.data.every((value) => value === 77));
  const half = new Uint8Array(8 * 8 * 4);
  for (let at = 0; at < half.length; at += 4) {
    half.set(at % 32 < 16 ? [255, 0, 0, 255] : [0, 255, 0, 0], at);
  }
  const { data } = resample({ width: 8, height: 8, channels: 4, data: half }, {
    width: 3,
    height: 3,
  });
  for (let at = 0; at < data.length; at += 4) if (data[at + 3]! > 8) assert.equal(data[at + 1], 0);
});

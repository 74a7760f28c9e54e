import assert from "node:assert/strict";
import type { Pixels } from "../../../lib/imaging/imaging.ts";
import { createMotion } from "../../../lib/seeing/motion.ts";
import { areAlike, fingerprintOf } from "../../../lib/seeing/fingerprint.ts";

const [WIDTH, HEIGHT] = [160, 90];
const EVERYWHERE = { minArea: 0.005, zones: [] };

type Rectangle = { x: number; y: number; width: number; height: number; tone: number };

/** A street, brighter to the right, with what stands on it; `noise` is how much each spot flickers. */
function street(things: Rectangle[] = [], { light = 0, noise = 0, random = Math.random } = {}) {
  const data = new Uint8Array(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const thing = things.find((it) =>
        x >= it.x && x < it.x + it.width && y >= it.y && y < it.y + it.height
      );
      const tone = (thing?.tone ?? 60 + x / 2) + light + (random() - 0.5) * 2 * noise;
      data.fill(Math.max(0, Math.min(255, tone)), (y * WIDTH + x) * 3, (y * WIDTH + x) * 3 + 3);
    }
  }
  return { width: WIDTH, height: HEIGHT, data } satisfies Pixels;
}

const person = (x: number): Rectangle => ({ x, y: 40, width: 10, height: 30, tone: 220 });

/** The same numbers in each run. */
function dice(seed = 1) {
  return () => {
    seed = seed * 1664525 + 1013904223 >>> 0;
    return seed / 2 ** 32;
  };
}

Deno.test("look() finds what moves, and where", () => {
  const motion = createMotion(EVERYWHERE);
  for (let i = 0; i < 3; i++) assert.equal(motion.look(street()), null);
  const { box, area } = motion.look(street([person(80)]))!;
  assert.ok(Math.abs(box.x - 80 / WIDTH) < 0.03 && Math.abs(box.y - 40 / HEIGHT) < 0.06);
  assert.ok(Math.abs(box.width - 10 / WIDTH) < 0.04 && Math.abs(box.height - 30 / HEIGHT) < 0.08);
  assert.ok(area > 0.01 && area < 0.05);
});

Deno.test("look() needs two pictures to warm up, and none of them is motion", () => {
  const motion = createMotion(EVERYWHERE);
  assert.equal(motion.look(street()), null);
  assert.equal(motion.look(street([person(80)])), null);
  assert.ok(motion.look(street([person(20)])));
});

Deno.test("look() finds nothing in a still picture, in noise, or in light that grows", () => {
  const motion = createMotion(EVERYWHERE);
  const random = dice();
  for (let i = 0; i < 60; i++) {
    const picture = street([person(80)], { noise: 15, light: i, random });
    assert.equal(motion.look(picture), null, `picture ${i}`);
  }
});

Deno.test("look() takes a lamp that is switched on for light, and sees what moves in it", () => {
  const motion = createMotion(EVERYWHERE);
  for (let i = 0; i < 5; i++) motion.look(street());
  assert.equal(motion.look(street([], { light: 90 })), null);
  for (let i = 0; i < 3; i++) assert.equal(motion.look(street([], { light: 90 })), null);
  assert.ok(motion.look(street([person(30)], { light: 30 })));
});

Deno.test("look() learns anew when the camera is turned or sends another size", () => {
  const motion = createMotion(EVERYWHERE);
  for (let i = 0; i < 5; i++) motion.look(street());
  const elsewhere = street([], { noise: 120, random: dice() });
  assert.equal(motion.look(elsewhere), null);
  assert.equal(motion.look({ width: 2, height: 2, data: new Uint8Array(12) }), null);
});

Deno.test("look() gets used to what stays, and to what flickers", () => {
  const motion = createMotion(EVERYWHERE);
  for (let i = 0; i < 3; i++) motion.look(street());
  const parked = street([person(80)]);
  assert.ok(motion.look(parked));
  for (let i = 0; i < 200; i++) motion.look(parked);
  assert.equal(motion.look(parked), null);
});

Deno.test("look() heeds zones and the least area", () => {
  const gate = { name: "gate", x: 0.5, y: 0, width: 0.5, height: 1 };
  const left = createMotion({ minArea: 0.005, zones: [gate] });
  const large = createMotion({ minArea: 0.1, zones: [] });
  for (let i = 0; i < 3; i++) [left, large].forEach((motion) => motion.look(street()));
  assert.equal(left.look(street([person(20)])), null);
  assert.equal(large.look(street([person(20)])), null);
  assert.ok(left.look(street([person(120)])));
  assert.ok(large.look(street([{ x: 40, y: 20, width: 60, height: 60, tone: 250 }])));
});

Deno.test("fingerprints tell a person from nobody, and do not mind noise", () => {
  const random = dice();
  const [empty, again] = [1, 2].map(() => fingerprintOf(street([], { noise: 4, random })));
  assert.ok(areAlike(empty!, again!));
  assert.ok(!areAlike(empty!, fingerprintOf(street([person(80)]))));
});

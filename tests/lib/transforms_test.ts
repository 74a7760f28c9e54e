import assert from "node:assert/strict";
import { createFlights } from "../../lib/flights.ts";
import { negotiate, normalize } from "../../lib/transforms.ts";

const ALL = ["jpeg", "webp", "avif"] as const;

Deno.test("normalize() gives what means the same one spelling", () => {
  const whole = { width: 4096, height: 4096, fit: "inside", format: null, quality: null };
  assert.deepEqual(normalize({}), whole);
  assert.deepEqual(normalize({ fit: "inside", width: 4096 }), whole);
  assert.deepEqual(normalize({ fit: "cover", width: 10 }), { ...whole, width: 10 });
  assert.deepEqual(normalize({ preset: "small" }), { ...whole, width: 160, height: 160 });
  assert.deepEqual(normalize({ preset: "small", height: 10 }), { ...whole, height: 10 });
  const square = normalize({ preset: "small", fit: "cover", format: "avif", quality: 1 });
  assert.deepEqual(square, { width: 160, height: 160, fit: "cover", format: "avif", quality: 1 });
});

Deno.test("negotiate() chooses among what the engine writes", () => {
  assert.equal(negotiate("image/avif, image/webp", ALL), "avif");
  assert.equal(negotiate("image/avif, image/webp", ["jpeg", "webp"]), "webp");
  assert.equal(negotiate("image/avif, image/webp", ["jpeg"]), "jpeg");
  assert.equal(negotiate("IMAGE/WEBP ; q=0.2 , image/jpeg;q=0.9", ALL), "jpeg");
  for (const odd of ["", ",,;q=", "image/webp;q=x", "image/*", "image/webp;q=-1"]) {
    assert.equal(negotiate(odd, ALL), "jpeg", odd);
  }
});

Deno.test("flights are shared while they last, failures too", async () => {
  const flights = createFlights<number>();
  let begun = 0;
  const landing = Promise.withResolvers<number>();
  const both = [1, 2].map(() =>
    flights.run("a", () => {
      begun++;
      return landing.promise;
    })
  );
  assert.equal(await flights.run("b", () => Promise.resolve(7)), 7);
  landing.reject(new Error("crashed"));
  const ends = await Promise.allSettled(both);
  assert.deepEqual(ends.map(({ status }) => status), ["rejected", "rejected"]);
  assert.equal(begun, 1);
  assert.equal(await flights.run("a", () => Promise.resolve(8)), 8);
});

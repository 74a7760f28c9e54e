import assert from "node:assert/strict";
import { createHearing } from "../../../lib/discovery/hearing.ts";
import { probeMatch } from "../../helpers/onvif.ts";

const ID = "uuid:0197aaaa-0000-4000-8000-000000000000";
const datagram = (endpoint: string) =>
  new TextEncoder().encode(probeMatch(ID, { endpoint: `urn:uuid:${endpoint}` }));

Deno.test("take() keeps a device once, with every address that it answers from", () => {
  const hearing = createHearing(ID);
  for (const address of ["10.0.0.5", "10.0.1.5", "10.0.0.5"]) hearing.take(datagram("a"), address);
  assert.deepEqual(hearing.devices().map(({ addresses }) => addresses), [["10.0.0.5", "10.0.1.5"]]);
});

Deno.test("take() leaves room for others where one sender floods", () => {
  const hearing = createHearing(ID);
  for (let at = 0; at < 10_000; at++) hearing.take(datagram(`flood-${at}`), "10.0.0.66");
  assert.equal(hearing.devices().length, 64);
  hearing.take(datagram("gate"), "10.0.0.5");
  assert.equal(hearing.devices().length, 65);
});

Deno.test("take() passes over what is too long, and keeps 256 devices at most", () => {
  const hearing = createHearing(ID);
  hearing.take(new Uint8Array([...datagram("long"), ...new Uint8Array(16_384)]), "10.0.0.1");
  assert.deepEqual(hearing.devices(), []);
  for (let at = 0; at < 300; at++) hearing.take(datagram(`${at}`), `10.0.${at >> 8}.${at & 255}`);
  assert.equal(hearing.devices().length, 256);
});

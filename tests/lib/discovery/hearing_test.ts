import assert from "node:assert/strict";
import { createHearing } from "../../../lib/discovery/hearing.ts";
import { probeMatch } from "../../helpers/onvif.ts";

const ID = "uuid:0197aaaa-0000-4000-8000-000000000000";

function answer(endpoint: string, name = "Gate"): Uint8Array {
  return new TextEncoder().encode(probeMatch(ID, { endpoint, name }));
}

Deno.test("take() knows a device by its endpoint, and gathers where it answers from", () => {
  const hearing = createHearing(ID);
  for (const address of ["10.0.0.5", "10.0.0.5", "10.1.0.5"]) hearing.take(answer("a"), address);
  hearing.take(answer("b"), "10.0.0.6");
  assert.deepEqual(
    hearing.devices().map(({ endpoint, addresses }) => [endpoint, addresses]),
    [["a", ["10.0.0.5", "10.1.0.5"]], ["b", ["10.0.0.6"]]],
  );
});

Deno.test("take() lets one sender's 10,000 answers fill 64 places, and hears others after it", () => {
  const hearing = createHearing(ID);
  for (let at = 0; at < 2_000; at++) hearing.take(answer(`flood ${at}`), "10.0.0.66");
  hearing.take(answer("camera"), "10.0.0.5");
  for (let at = 0; at < 8_000; at++) hearing.take(answer(`again ${at}`), "10.0.0.66");
  const devices = hearing.devices();
  assert.equal(devices.length, 65);
  assert.equal(devices.at(-1)?.endpoint, "camera");
});

Deno.test("take() keeps 256 devices and 8 addresses of each, however many senders there are", () => {
  const hearing = createHearing(ID);
  for (let at = 0; at < 10_000; at++) {
    const address = `10.9.${at >> 8}.${at & 255}`;
    hearing.take(answer(at % 2 ? "everywhere" : `at ${address}`), address);
  }
  const devices = hearing.devices();
  assert.equal(devices.length, 256);
  assert.ok(devices.every(({ addresses }) => addresses.length <= 8));
});

Deno.test("take() passes over datagrams of more than 16 KB", () => {
  const hearing = createHearing(ID);
  hearing.take(answer("a", "x".repeat(16 * 1024)), "10.0.0.5");
  assert.deepEqual(hearing.devices(), []);
});

Deno.test("take() hears no more of a sender who packs many devices into one answer", () => {
  const hearing = createHearing(ID);
  const one = "<ProbeMatch><Address>N</Address></ProbeMatch>";
  const many = Array.from({ length: 300 }, (_, at) => one.replace("N", String(at))).join("");
  const packed = `<Envelope><RelatesTo>${ID}</RelatesTo>${many}</Envelope>`;
  hearing.take(new TextEncoder().encode(packed), "10.0.0.66");
  assert.equal(hearing.devices().length, 64);
});

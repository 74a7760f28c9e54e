import assert from "node:assert/strict";
import { parseNets } from "../../../lib/net/addresses.ts";
import { clientAddress, neighbourhood } from "../../../lib/net/client_address.ts";

const PROXIES = parseNets(["10.0.0.0/8", "fd00::/8", "127.0.0.1"]);

const cases: [name: string, peer: string | undefined, forwarded: string, address: string][] = [
  ["no connection", undefined, "1.2.3.4", "unknown"],
  ["a peer that is no proxy claims nothing", "9.9.9.9", "1.2.3.4", "9.9.9.9"],
  ["a proxy tells its client", "10.0.0.1", "1.2.3.4", "1.2.3.4"],
  ["what stands left of an untrusted hop is invented", "10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"],
  ["proxies in a row", "127.0.0.1", "1.2.3.4, 10.1.1.1, 10.2.2.2", "1.2.3.4"],
  ["only proxies", "10.0.0.1", "10.0.0.2", "10.0.0.2"],
  ["no header", "10.0.0.1", "", "10.0.0.1"],
  ["rubbish ends the chain", "10.0.0.1", "1.2.3.4, unknown", "10.0.0.1"],
  ["rubbish left of the client is not read", "10.0.0.1", "<script>, 1.2.3.4", "1.2.3.4"],
  ["a port is left out", "10.0.0.1", "1.2.3.4:5678", "1.2.3.4"],
  ["IPv6 with port", "fd00::1", "[2001:db8::1]:443", "2001:db8::1"],
  ["a zone is left out", "fe80::1%eth0", "", "fe80::1"],
  ["IPv4 in IPv6 is IPv4", "::ffff:10.0.0.1", "::ffff:1.2.3.4", "1.2.3.4"],
  ["octal and short forms are no addresses", "10.0.0.1", "0177.1", "10.0.0.1"],
];

for (const [name, peer, forwarded, address] of cases) {
  Deno.test(`clientAddress(): ${name}`, () => {
    assert.equal(clientAddress(peer, forwarded, PROXIES), address);
  });
}

Deno.test("neighbourhood() is the /64 of IPv6 and the address of IPv4", () => {
  assert.equal(neighbourhood("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assert.equal(neighbourhood("2001:db8:1:2::9"), neighbourhood("2001:db8:1:2:ffff::1"));
  assert.notEqual(neighbourhood("2001:db8:1:2::9"), neighbourhood("2001:db8:1:3::9"));
  assert.equal(neighbourhood("1.2.3.4"), "1.2.3.4");
});

import assert from "node:assert/strict";
import { isIn, isPublic, parseNets } from "../../../lib/net/addresses.ts";

const PUBLIC = `8.8.8.8 1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255
  128.0.0.1 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.78.9 192.167.255.255
  192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2606:4700::1111 2001:4860:4860::8888
  2a00:1450:4007::200e 2620:fe::fe`;

const SPECIAL = `0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.100.100.200
  100.127.255.255 127.0.0.1 127.255.255.255 168.63.129.16 169.254.0.0 169.254.169.254 172.16.0.0
  172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.0 192.168.255.255 198.18.0.0
  198.19.255.255 198.51.100.1 203.0.113.80 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
  :: ::1 ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1
  64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::7f00:1 100::1 100:0:0:1::1 200::1 2001::1
  2001:0:7f00:1::1 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:808:808::
  3fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 febf::1 fec0::1 ff02::1 ff0e::1`;

const MALFORMED = ["", "localhost", "1.2.3", "0x7f.0.0.1", "1.2.3.4/8", "[::1]", "1.2.3.4 "];

const listed = (text: string) => text.split(/\s+/);

Deno.test("isPublic() takes what anybody on the internet may reach", () => {
  assert.deepEqual(listed(PUBLIC).filter((address) => !isPublic(address)), []);
});

Deno.test("isPublic() refuses special, inner, translated and malformed addresses", () => {
  assert.deepEqual([...listed(SPECIAL), ...MALFORMED].filter(isPublic), []);
});

Deno.test("isIn() finds an address in a net of its own family", () => {
  const nets = parseNets(["10.1.0.0/16", "192.168.1.7", "fd00::/8", "::1"]);
  const inside = ["10.1.0.0", "10.1.255.255", "192.168.1.7", "fdff::1", "::1"];
  const outside = ["10.2.0.0", "192.168.1.8", "fc00::1", "::2", "::ffff:10.1.0.1", "nonsense"];
  assert.deepEqual(inside.filter((address) => !isIn(nets, address)), []);
  assert.deepEqual(outside.filter((address) => isIn(nets, address)), []);
});

Deno.test("parseNets() names what it cannot read", () => {
  const wrong = [
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "10/8",
    "",
    "x",
  ];
  for (const text of wrong) {
    assert.throws(() => parseNets(["10.0.0.0/8", text]), new RegExp(`Cannot read "${text}"`));
  }
});

import assert from "node:assert/strict";
import { devicesIn, probeOf } from "../../../lib/discovery/probe.ts";
import { probeMatch } from "../../helpers/onvif.ts";

const ID = "uuid:0197aaaa-0000-4000-8000-000000000000";

Deno.test("probeOf() asks for video transmitters under its id", () => {
  assert.match(probeOf(ID), new RegExp(`<w:MessageID>${ID}</w:MessageID>`));
  assert.match(probeOf(ID), /<d:Types>dn:NetworkVideoTransmitter<\/d:Types>/);
});

Deno.test("devicesIn() reads name, hardware, location and services, whatever the prefixes", () => {
  const xml = probeMatch(ID, { name: "Front%20Door", xaddrs: "http://10.0.0.5/onvif ftp://x/ y" });
  assert.deepEqual(devicesIn(xml, ID), [{
    endpoint: "urn:uuid:camera-1",
    name: "Front Door",
    hardware: "IPC-1",
    location: "yard",
    xaddrs: ["http://10.0.0.5/onvif"],
  }]);
  assert.equal(devicesIn(xml.replace(/(<\/?|xmlns:)d(?=[:=])/g, "$1wsdd"), ID).length, 1);
});

Deno.test("devicesIn() gives nothing for answers to others, and for rubbish", () => {
  assert.deepEqual(devicesIn(probeMatch("uuid:other"), ID), []);
  for (const rubbish of ["", "<", "<a><b>", "\0\0", "{}", "<ProbeMatch>".repeat(1_000)]) {
    assert.deepEqual(devicesIn(rubbish, ID), []);
  }
});

Deno.test("devicesIn() expands no entity, and keeps what it reads short and on one line", () => {
  const bomb = `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>` +
    probeMatch(ID, { name: "&b;&b;" });
  assert.equal(devicesIn(bomb, ID)[0]?.name, "&b;&b;");
  const [long] = devicesIn(probeMatch(ID, { name: "x%0Ay".repeat(1_000) }), ID);
  assert.equal(long?.name.length, 200);
  assert.ok(!long?.name.includes("\n"));
  const [broken] = devicesIn(probeMatch(ID, { name: "100%" }), ID);
  assert.equal(broken?.name, "100%");
});

import assert from "node:assert/strict";
import { Rule, type Zone } from "../../../lib/model/camera.ts";
import { describe, findingsOf, MOTION } from "../../../lib/seeing/rules.ts";

const gate: Zone = { name: "gate", x: 0, y: 0.5, width: 0.5, height: 0.5 };
const rule = (given: Partial<Rule>): Rule => Rule.parse({ type: "intrusion", ...given });
const seen = (label: string, confidence: number | null = 0.9, x = 0.1) => ({
  ...{ label, confidence },
  box: { x, y: 0.3, width: 0.2, height: 0.4 },
});
const told = (...given: Parameters<typeof findingsOf>) =>
  findingsOf(...given).map(({ type, severity }) => `${type} ${severity}`);

Deno.test("findingsOf() tells things as what they are where no rule fits", () => {
  const things = ["person", "car", "dog", "fall", MOTION].map((label) => seen(label));
  assert.deepEqual(told(things, [], []).toSorted(), [
    ...["fall high", "motion low", "other medium", "person medium", "vehicle medium"],
  ]);
});

Deno.test("findingsOf() lets the first rule that fits decide, by label, zone and confidence", () => {
  const rules = [
    rule({ labels: ["dog"], type: "none" }),
    rule({ labels: ["person"], zone: "gate", severity: "critical" }),
    rule({ labels: ["person"], min_confidence: 0.8, severity: "high" }),
  ];
  assert.deepEqual(told([seen("dog")], rules, [gate]), []);
  assert.deepEqual(told([seen("person")], rules, [gate]), ["intrusion critical"]);
  assert.deepEqual(told([seen("person", 0.9, 0.7)], rules, [gate]), ["intrusion high"]);
  assert.deepEqual(told([seen("person", 0.6, 0.7)], rules, [gate]), ["person medium"]);
});

Deno.test("findingsOf() tells things of one kind together, by the most certain of them", () => {
  const things = [seen("person", 0.7), seen("person", 0.95), seen("car", 0.8)];
  const [people, cars, ...rest] = findingsOf(things, [], []);
  assert.equal(people!.detection.confidence, 0.95);
  assert.equal(describe(people!), "2 × person");
  assert.equal(describe(cars!), "car");
  assert.deepEqual(rest, []);
});

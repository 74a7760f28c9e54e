import type { Rule, Zone } from "../model/camera.ts";
import type { EventSeverity, EventType } from "../model/event.ts";
import type { Detection } from "./detector.ts";
import { footOf, holds } from "./zones.ts";

/** The label of movement that nobody has named. */
export const MOTION = "motion";

type Verdict = { type: EventType; severity: EventSeverity };

const VEHICLES = [
  "bicycle",
  "car",
  "motorcycle",
  "bus",
  "truck",
  "train",
  "boat",
  "van",
  "scooter",
];

/** Something that is to be told: the most certain of the things that it stands for. */
export type Finding = Verdict & { detection: Detection; labels: string[] };

/**
 * What is to be told of the things in one picture: the first rule that fits each decides, else what
 * it is. Things of one type and severity are told together.
 */
export function findingsOf(
  detections: readonly Detection[],
  rules: readonly Rule[],
  zones: readonly Zone[],
): Finding[] {
  const findings = new Map<string, Finding>();
  for (const detection of detections.toSorted((a, b) => certainty(b) - certainty(a))) {
    const verdict = verdictOn(detection, rules, zones);
    if (!verdict) continue;
    const name = `${verdict.type} ${verdict.severity}`;
    const finding = findings.get(name) ?? { ...verdict, detection, labels: [] };
    finding.labels.push(detection.label);
    findings.set(name, finding);
  }
  return [...findings.values()];
}

/** In words, for people: "2 × person, dog". */
export function describe({ labels }: Pick<Finding, "labels">): string {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, count]) => count > 1 ? `${count} × ${label}` : label).join(", ");
}

function verdictOn(
  detection: Detection,
  rules: readonly Rule[],
  zones: readonly Zone[],
): Verdict | null {
  const rule = rules.find((rule) => fits(rule, detection, zones));
  if (!rule) return { type: typeOf(detection.label), severity: severityOf(detection.label) };
  return rule.type === "none" ? null : { type: rule.type, severity: rule.severity };
}

function fits(rule: Rule, { label, confidence, box }: Detection, zones: readonly Zone[]): boolean {
  const zone = zones.find(({ name }) => name === rule.zone);
  return (rule.labels.length === 0 || rule.labels.includes(label)) &&
    (confidence === null || confidence >= rule.min_confidence) &&
    (rule.zone === null || (!!zone && holds(zone, footOf(box))));
}

function typeOf(label: string): EventType {
  if (label === MOTION || label === "person" || label === "fall") return label;
  return VEHICLES.includes(label) ? "vehicle" : "other";
}

function severityOf(label: string): EventSeverity {
  return label === "fall" ? "high" : label === MOTION ? "low" : "medium";
}

function certainty({ confidence }: Detection): number {
  return confidence ?? 0;
}

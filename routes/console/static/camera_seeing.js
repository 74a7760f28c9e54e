import { byId, elementOf, fillWith, h } from "./dom.js";
import { t, tOf } from "./i18n.js";

/**
 * @typedef {import("../../../lib/model/camera.ts").Camera} Camera
 * @typedef {import("../../../lib/model/camera.ts").Zone} Zone
 * @typedef {import("../../../lib/model/camera.ts").Rule} Rule
 * @typedef {Pick<Camera, "motion" | "detect" | "keep_every_s" | "rules">} Seeing
 */

/** @type {readonly Rule["type"][]} */
const TYPES = ["person", "vehicle", "intrusion", "fall", "motion", "other", "none"];
/** @type {readonly Rule["severity"][]} */
const SEVERITIES = ["low", "medium", "high", "critical"];
/** @type {readonly ("x" | "y" | "width" | "height")[]} */
const SIDES = ["x", "y", "width", "height"];

/**
 * What is typed within a row. Fields of rows have no `name`: those belong to the camera itself.
 * @param {Element} row
 * @param {string} name
 */
function typed(row, name) {
  const field = row.querySelector(`[data-field="${name}"]`);
  if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) return field.value;
  throw new Error(`there is no ${name}`);
}

/** @param {string} percent */
const shareOf = (percent) => Number(percent) / 100;
/** @param {number} share */
const percentOf = (share) => String(Math.round(share * 1000) / 10);

/**
 * The part of a camera's settings that says what to look for. `onChange` is told when the reader
 * changes it.
 * @param {() => void} onChange
 */
export function createSeeing(onChange) {
  const zones = byId("zones");
  const rules = byId("rules");

  const changed = () => {
    offerZones();
    onChange();
  };

  /** The zones that rules may name are those that have a name now. */
  const offerZones = () => {
    const names = readZones().map(({ name }) => name).filter(Boolean);
    for (const select of rules.querySelectorAll('[data-field="zone"]')) {
      if (!(select instanceof HTMLSelectElement)) continue;
      const { value } = select;
      fillWith(
        select,
        h("option", { value: "" }, t("seeing.anywhere")),
        names.map((name) => h("option", { value: name, selected: name === value }, name)),
      );
    }
  };

  /** @param {string} what */
  const removal = (what) => {
    const button = h("button", { type: "button", class: "quiet" }, what);
    button.addEventListener("click", () => {
      button.closest("li")?.remove();
      changed();
    });
    return button;
  };

  /** @param {Partial<Zone>} zone */
  const addZone = ({ name = "", ...box }) => {
    const sides = { x: 0.25, y: 0.25, width: 0.5, height: 0.5, ...box };
    zones.append(
      h(
        "li",
        { class: "part" },
        h(
          "label",
          {},
          t("seeing.zoneName"),
          h("input", { "data-field": "name", value: name, maxlength: 120 }),
        ),
        SIDES.map((side) =>
          h(
            "label",
            {},
            t(`seeing.${side}`),
            h("input", {
              ...{
                "data-field": side,
                type: "number",
                min: 0,
                max: 100,
                step: "any",
                required: true,
              },
              value: percentOf(sides[side]),
            }),
          )
        ),
        removal(t("seeing.removeZone")),
      ),
    );
    changed();
  };

  /** @param {Partial<Rule>} rule */
  const addRule = (rule) => {
    const { labels = [], zone = null, min_confidence = 0 } = rule;
    const { type = "intrusion", severity = "high" } = rule;
    const zoneField = h(
      "select",
      { "data-field": "zone" },
      zone && h("option", { selected: true }, zone),
    );
    rules.append(
      h(
        "li",
        { class: "part" },
        h(
          "label",
          {},
          t("seeing.labels"),
          h("input", {
            "data-field": "labels",
            value: labels.join(", "),
            placeholder: "person, dog",
          }),
        ),
        h("label", {}, t("seeing.where"), zoneField),
        h(
          "label",
          {},
          t("seeing.sure"),
          h("input", {
            ...{
              "data-field": "sure",
              type: "number",
              min: 0,
              max: 100,
              step: "any",
              required: true,
            },
            value: percentOf(min_confidence),
          }),
        ),
        h("label", {}, t("seeing.becomes"), choice("type", TYPES, type)),
        h("label", {}, t("seeing.severity"), choice("severity", SEVERITIES, severity)),
        removal(t("seeing.removeRule")),
      ),
    );
    changed();
  };

  /** @returns {Zone[]} */
  const readZones = () =>
    [...zones.children].map((row) => ({
      name: typed(row, "name").trim(),
      x: shareOf(typed(row, "x")),
      y: shareOf(typed(row, "y")),
      width: shareOf(typed(row, "width")),
      height: shareOf(typed(row, "height")),
    }));

  const readRules = () =>
    [...rules.children].map((row) => ({
      labels: typed(row, "labels").split(",").map((label) => label.trim()).filter(Boolean),
      zone: typed(row, "zone") || null,
      min_confidence: shareOf(typed(row, "sure")),
      type: typed(row, "type"),
      severity: typed(row, "severity"),
    }));

  byId("add-zone").addEventListener("click", () => addZone({}));
  byId("add-rule").addEventListener("click", () => addRule({}));
  zones.addEventListener("input", changed);

  return {
    /** The zones as they are typed, to be shown in the picture. */
    zones: readZones,

    /** @param {Seeing} seeing */
    fill({ motion, detect, keep_every_s, rules: all }) {
      elementOf("motion", HTMLInputElement).checked = motion.enabled;
      elementOf("min-area", HTMLInputElement).value = percentOf(motion.min_area);
      elementOf("cooldown", HTMLInputElement).value = String(motion.cooldown_s);
      elementOf("detect", HTMLSelectElement).value = detect;
      elementOf("keep-every", HTMLInputElement).value = String(keep_every_s ?? "");
      fillWith(zones);
      fillWith(rules);
      motion.zones.forEach(addZone);
      all.forEach(addRule);
    },

    read() {
      const keep = elementOf("keep-every", HTMLInputElement).value;
      return {
        motion: {
          enabled: elementOf("motion", HTMLInputElement).checked,
          min_area: shareOf(elementOf("min-area", HTMLInputElement).value),
          cooldown_s: Number(elementOf("cooldown", HTMLInputElement).value),
          zones: readZones(),
        },
        detect: elementOf("detect", HTMLSelectElement).value,
        keep_every_s: keep === "" ? null : Number(keep),
        rules: readRules(),
      };
    },
  };
}

/**
 * @param {"type" | "severity"} name
 * @param {readonly string[]} values
 * @param {string} chosen
 */
function choice(name, values, chosen) {
  const group = name === "type" ? "event" : "severity";
  return h(
    "select",
    { "data-field": name },
    values.map((value) =>
      h(
        "option",
        { value, selected: value === chosen },
        value === "none" ? t("seeing.nothing") : tOf(group, value),
      )
    ),
  );
}

/** Boxes over the picture, where the zones are. @param {Element} frame @param {Zone[]} zones */
export function showZones(frame, zones) {
  for (const old of frame.querySelectorAll(".zone")) old.remove();
  for (const { name, x, y, width, height } of zones) {
    const box = h("span", { class: "zone", "aria-hidden": "true" }, name);
    box.style.left = `${x * 100}%`;
    box.style.top = `${y * 100}%`;
    box.style.width = `${width * 100}%`;
    box.style.height = `${height * 100}%`;
    frame.append(box);
  }
}

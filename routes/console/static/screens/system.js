import { refusal } from "../api.js";
import { byId, fillWith, h, show } from "../dom.js";
import { attempt, chip } from "../feedback.js";
import { formatNumber, t, tOf } from "../i18n.js";
import { createPages } from "../pages.js";

/**
 * @typedef {import("../../../../lib/health.ts").Report} Report
 * @typedef {{ name: string, meaning: string, value: string | null, standard: string, secret: boolean, set: boolean }} Setting
 */

/** @type {ReturnType<typeof createPages<Setting>>} */
const settings = createPages({ id: "items", path: "/auth/configuration", draw });

/** @param {import("../app.js").Me | null} me */
export async function start(me) {
  await attempt(tellHealth);
  if (!me || me.tenant) return;
  show(byId("configuration"));
  await attempt(settings.load);
}

/** Open to all; but an operator may keep it for those who know a token that is none of Imago's keys. */
async function tellHealth() {
  const response = await fetch("/health/detailed");
  if (response.ok) render(await response.json());
  else if (response.status === 401) byId("version").textContent = t("system.guarded");
  else throw await refusal(response);
}

/** @param {Report} report */
function render({ status, version, uptime_seconds, parts }) {
  byId("health").dataset.state = status === "healthy" ? "ok" : "failing";
  byId("health").textContent = t(`system.${status}`);
  const hours = formatNumber(uptime_seconds / 3600, { maximumFractionDigits: 1 });
  byId("version").textContent = t("system.version", { version, hours });
  fillWith(
    byId("parts"),
    Object.entries(parts).map(([name, { state, detail }]) =>
      h(
        "li",
        {},
        h("strong", {}, tOf("part", name)),
        chip(state, t(`system.${state}`)),
        h("small", { lang: "en" }, detail ?? ""),
      )
    ),
  );
}

/** @param {Setting} setting */
function draw({ name, meaning, value, secret, set }) {
  const shown = secret ? t(set ? "system.isSet" : "system.notSet") : value ?? t("system.notSet");
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("code", {}, name)),
    h("td", {}, secret || !set ? h("span", { class: "hint" }, shown) : h("code", {}, shown)),
    h("td", { lang: "en" }, meaning),
  );
}

import { h } from "../dom.js";
import { attempt } from "../feedback.js";
import { formatTime } from "../i18n.js";
import { createPages } from "../pages.js";

/** @typedef {import("../../../../lib/model/audit.ts").AuditEntry} Entry */

/** @type {ReturnType<typeof createPages<Entry>>} */
const list = createPages({ id: "entries", path: "/audit", draw });

export async function start() {
  await attempt(list.load);
}

/** @param {Entry} entry */
function draw({ at, actor, action, subject, details }) {
  const words = Object.entries(details).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  return h(
    "tr",
    {},
    h("td", { class: "when" }, formatTime(at)),
    h("td", {}, h("code", { class: "long" }, actor)),
    h("td", {}, h("code", {}, action)),
    h("td", {}, h("code", { class: "long" }, subject ?? "")),
    h("td", {}, h("code", { class: "long" }, words.join(", "))),
  );
}

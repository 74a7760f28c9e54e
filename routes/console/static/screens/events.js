import { get, send } from "../api.js";
import { byId, formById, h, valuesOf } from "../dom.js";
import { attempt, chip, complain, onSubmit } from "../feedback.js";
import { formatNumber, formatPercent, formatTime, t } from "../i18n.js";
import { follow } from "../live.js";
import { createPages } from "../pages.js";

/**
 * @typedef {import("../../../../lib/model/event.ts").Event} Seen
 * @typedef {import("../../../../lib/model/event.ts").EventStats} Stats
 */

const form = formById("narrow");

/** @type {ReturnType<typeof createPages<Seen>>} */
const list = createPages({ id: "events", path: "/api/events", query: () => valuesOf(form), draw });

export async function start() {
  form.addEventListener("change", () => void attempt(list.load));
  void follow(({ type }) => {
    if (type === "reset" || type.startsWith("event.")) void load().catch(complain);
  });
  await attempt(load);
}

async function load() {
  await Promise.all([list.load(), count()]);
}

async function count() {
  /** @type {Stats} */
  const { total, unacknowledged } = await get("/api/events/stats");
  byId("count-all").textContent = formatNumber(total);
  byId("count-open").textContent = formatNumber(unacknowledged);
}

/** @param {Seen} event */
function draw(event) {
  const { type, severity, description, occurred_at, confidence, image_id, notes } = event;
  return h(
    "li",
    { class: "card" },
    h(
      "p",
      { class: "between" },
      h("strong", {}, t(`event.${type}`), " ", chip(severity, t(`severity.${severity}`))),
      h("time", { datetime: occurred_at, class: "hint" }, formatTime(occurred_at)),
    ),
    description && h("p", {}, description),
    h("p", { class: "row" }, [
      image_id && h("a", { href: `/console/images/${image_id}` }, t("events.picture")),
      confidence !== null &&
      h("span", { class: "hint" }, t("events.sure", { confidence: formatPercent(confidence) })),
    ]),
    event.acknowledged ? acknowledgedBy(event) : acknowledgeForm(event),
    event.acknowledged && notes && h("p", { class: "prose" }, notes),
  );
}

/** @param {Seen} event */
function acknowledgedBy({ acknowledged_at, acknowledged_by }) {
  const time = acknowledged_at ? formatTime(acknowledged_at) : "";
  return h(
    "p",
    { class: "hint" },
    t("events.acknowledged", { time }),
    " ",
    h("code", { class: "long" }, acknowledged_by ?? ""),
  );
}

/** @param {Seen} event */
function acknowledgeForm({ id, notes }) {
  const label = t("events.note");
  const form = h(
    "form",
    { class: "row" },
    h("input", {
      name: "notes",
      maxlength: 4000,
      value: notes,
      "aria-label": label,
      placeholder: label,
    }),
    h("button", { type: "submit" }, t("events.acknowledge")),
  );
  onSubmit(form, async (data) => {
    if (data.get("notes") !== notes) {
      await send("PATCH", `/api/events/${id}`, { notes: data.get("notes") });
    }
    await send("POST", `/api/events/${id}/acknowledge`);
    await load();
  });
  return form;
}

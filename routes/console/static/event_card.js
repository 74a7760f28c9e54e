import { ApiError, get, localUrl, send } from "./api.js";
import { fillWith, h } from "./dom.js";
import { chip, complain, onSubmit } from "./feedback.js";
import { formatPercent, formatTime, t } from "./i18n.js";

/** @typedef {import("../../../lib/model/event.ts").Event} Seen */

/**
 * An event as a card of a list.
 * @param {Seen} event
 * @param {object} options
 * @param {Map<string, string> | null} options.cameras names by id, where they may be known
 * @param {boolean} options.mayHandle whether the reader may acknowledge it
 * @param {(now: Seen) => void} options.onAcknowledged
 */
export function eventCard(event, { cameras, mayHandle, onAcknowledged }) {
  const { id, type, severity, description, occurred_at, acknowledged, notes } = event;
  return h(
    "li",
    { class: "card event", "data-id": id, tabindex: -1, "aria-labelledby": `what-${id}` },
    event.image_id && pictureOf(event.image_id, event),
    h(
      "div",
      { class: "event-words" },
      h(
        "div",
        { class: "between" },
        h(
          "strong",
          { id: `what-${id}` },
          t(`event.${type}`),
          " ",
          chip(severity, t(`severity.${severity}`)),
        ),
        h("time", { datetime: occurred_at, class: "hint" }, formatTime(occurred_at)),
      ),
      description && h("p", {}, description),
      origin(event, cameras),
      acknowledged ? acknowledgedBy(event) : null,
      !acknowledged && mayHandle && acknowledgeForm(event, onAcknowledged),
      notes && (acknowledged || !mayHandle) && h("p", { class: "prose" }, notes),
    ),
  );
}

/**
 * Where it was seen, and how surely.
 * @param {Seen} event
 * @param {Map<string, string> | null} cameras
 */
function origin({ camera_id, confidence }, cameras) {
  if (!(camera_id && cameras) && confidence === null) return null;
  const name = camera_id && cameras?.get(camera_id);
  return h("p", { class: "row hint" }, [
    camera_id && cameras && (
      name ? h("a", { href: `/console/cameras/${camera_id}` }, name) : t("cameras.goneOne")
    ),
    confidence !== null &&
    h("span", {}, t("events.sure", { confidence: formatPercent(confidence) })),
  ]);
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

/**
 * @param {Seen} event
 * @param {(now: Seen) => void} onAcknowledged
 */
function acknowledgeForm({ id, notes }, onAcknowledged) {
  const label = t("events.note");
  const form = h(
    "form",
    { class: "row" },
    h("input", {
      name: "notes",
      maxlength: 4000,
      value: notes,
      autocomplete: "off",
      "aria-label": label,
      placeholder: label,
    }),
    h("button", { type: "submit" }, t("events.acknowledge")),
  );
  onSubmit(form, async (data) => {
    const patch = { notes: String(data.get("notes")), acknowledged: true };
    onAcknowledged(await send("PATCH", `/api/events/${id}`, patch));
  });
  return form;
}

/** Pictures that are fetched once they come near the window. */
const nearing = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting || !(target instanceof HTMLElement)) continue;
    nearing.unobserve(target);
    void fetchPicture(target).catch(complain);
  }
}, { rootMargin: "200px" });

/**
 * The frame, with what was seen in it marked.
 * @param {string} image
 * @param {Seen} event
 */
function pictureOf(image, { type, box }) {
  const mark = box && h("span", { class: "mark", "aria-hidden": "true" });
  if (mark) {
    for (const side of /** @type {const} */ (["width", "height"])) {
      mark.style[side] = `${box[side] * 100}%`;
    }
    mark.style.left = `${box.x * 100}%`;
    mark.style.top = `${box.y * 100}%`;
  }
  const space = h("span", { class: "event-picture", "data-image": image });
  nearing.observe(space);
  const alt = t("events.pictureOf", { what: t(`event.${type}`) });
  const link = h("a", { href: `/console/images/${image}`, class: "event-link" }, space);
  link.setAttribute("aria-label", alt);
  marks.set(space, mark);
  return link;
}

/** @type {WeakMap<HTMLElement, HTMLElement | null>} */
const marks = new WeakMap();

/**
 * Fetches the frame of an event, if it is there already and may be seen.
 * @param {HTMLElement} space
 */
async function fetchPicture(space) {
  try {
    /** @type {{ url: string }} */
    const { url } = await get(`/images/${space.dataset.image}/thumbnail-url?size=medium`);
    fillWith(space, h("img", { src: localUrl(url), alt: "" }), marks.get(space));
    space.dataset.shown = "";
  } catch (error) {
    // It is not made yet, or not there any more, or not for this reader's eyes.
    if (!(error instanceof ApiError && [403, 404, 409].includes(error.status))) throw error;
    fillWith(space, t("events.noPicture"));
  }
}

/**
 * Shows a frame in the cards that wait for it.
 * @param {string} image
 */
export async function pictureIsThere(image) {
  for (const space of document.querySelectorAll(`[data-image="${CSS.escape(image)}"]`)) {
    if (space instanceof HTMLElement && !("shown" in space.dataset)) await fetchPicture(space);
  }
}

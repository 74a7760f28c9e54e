import { ApiError, ask } from "../api.js";
import { byId, elementOf, fillWith, formById, h } from "../dom.js";
import { attempt, confirmed, onSubmit, toast } from "../feedback.js";
import { language, t } from "../i18n.js";

/** @typedef {import("../../../../lib/model/draft.ts").Draft} Draft */

const id = location.pathname.split("/").at(-1);
const path = `/api/v1/listings/${id}`;
const form = formById("words");

/** The version that is shown: what was changed meanwhile elsewhere is not overwritten. */
let etag = "";
/** @type {Draft["photos"]} */
let photos = [];
/** The place of the photo that is dragged. */
let dragged = -1;

export async function start() {
  onSubmit(form, async () => {
    await change("PATCH", "", wordsOf(form));
    toast(t("draft.saved"));
  });
  const actions = { suggest, publish, delete: remove };
  for (const [name, work] of Object.entries(actions)) {
    const button = elementOf(name, HTMLButtonElement);
    button.addEventListener("click", () => void attempt(work, button));
  }
  await attempt(load);
}

async function load() {
  try {
    await take(await ask("GET", path));
  } catch (error) {
    const gone = error instanceof ApiError && (error.status === 404 || error.status === 422);
    if (!gone) throw error;
    fillWith(byId("draft"), h("p", { class: "empty" }, t("draft.gone")));
  }
}

/**
 * @param {string} method
 * @param {string} action
 * @param {unknown} [body]
 */
async function change(method, action, body) {
  await take(await ask(method, path + action, { body, headers: { "If-Match": etag } }));
}

/** @param {Response} response */
async function take(response) {
  etag = response.headers.get("ETag") ?? "";
  /** @type {Draft} */
  const draft = await response.json();
  photos = draft.photos;
  const title = document.querySelector("h1");
  if (title) title.textContent = draft.title || t("draft.unnamed");
  byId("status").dataset.state = draft.status;
  byId("status").textContent = t(`draft.${draft.status}`);
  put("title", draft.title);
  put("description", draft.description);
  put("price_suggested", String(draft.price_suggested ?? ""));
  drawPhotos();
}

/**
 * @param {string} name
 * @param {string} value
 */
function put(name, value) {
  const field = form.elements.namedItem(name);
  if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) {
    field.value = value;
  }
}

/** @param {HTMLFormElement} form */
function wordsOf(form) {
  const given = new FormData(form);
  const price = String(given.get("price_suggested") ?? "");
  return {
    title: String(given.get("title") ?? ""),
    description: String(given.get("description") ?? ""),
    price_suggested: price === "" ? null : Number(price),
  };
}

async function suggest() {
  await change("POST", "/suggest", { language: language === "fr" ? "français" : "English" });
  toast(t("draft.suggested"));
}

async function publish() {
  await change("PATCH", "", wordsOf(form));
  await change("POST", "/publish");
  toast(t("draft.isPublished"));
}

async function remove() {
  const question = t("draft.confirmDelete");
  if (!(await confirmed({ question, action: t("draft.delete") }))) return;
  await ask("DELETE", path, { headers: { "If-Match": etag } });
  location.assign("/console/drafts");
}

function drawPhotos() {
  fillWith(
    byId("order"),
    photos.map(({ media }, place) => {
      const number = place + 1;
      const item = h(
        "li",
        { draggable: "true" },
        h("img", {
          src: media.url,
          alt: t("draft.photo", { number, count: photos.length }),
          width: media.width,
          height: media.height,
        }),
        h(
          "span",
          { class: "row" },
          moveButton("draft.earlier", place, place - 1),
          moveButton("draft.later", place, place + 1),
          h("button", {
            type: "button",
            class: "quiet",
            "aria-label": t("draft.removePhoto", { number }),
            onclick: () => void attempt(() => reorder(photos.toSpliced(place, 1))),
          }, "✕"),
        ),
      );
      item.addEventListener("dragstart", () => dragged = place);
      item.addEventListener("dragover", (event) => event.preventDefault());
      item.addEventListener("drop", (event) => {
        event.preventDefault();
        void attempt(() => move(dragged, place));
      });
      return item;
    }),
  );
}

/**
 * @param {"draft.earlier" | "draft.later"} key
 * @param {number} from
 * @param {number} to
 */
function moveButton(key, from, to) {
  const button = h("button", {
    type: "button",
    class: "quiet",
    "aria-label": t(key, { number: from + 1 }),
    "data-move": to - from,
    onclick: () => void attempt(() => move(from, to)),
  }, key === "draft.earlier" ? "←" : "→");
  button.disabled = to < 0 || to >= photos.length;
  return button;
}

/**
 * @param {number} from
 * @param {number} to
 */
async function move(from, to) {
  const moved = photos[from];
  if (!moved || from === to) return;
  await reorder(photos.toSpliced(from, 1).toSpliced(to, 0, moved));
  byId("moved").textContent = t("draft.moved", { number: to + 1, count: photos.length });
  const button = byId("order").children[to]?.querySelector(`[data-move="${Math.sign(to - from)}"]`);
  if (button instanceof HTMLElement) button.focus();
}

/** @param {Draft["photos"]} order */
async function reorder(order) {
  await change("PATCH", "", { photos: order.map(({ media }) => media.id) });
}

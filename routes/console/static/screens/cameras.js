import { get, send } from "../api.js";
import { reasonOf, stateChip, switchButton } from "../camera_state.js";
import { byId, elementOf, fillWith, formById, h, show } from "../dom.js";
import { attempt, complain, onSubmit, toast } from "../feedback.js";
import { t } from "../i18n.js";
import { follow } from "../live.js";
import { createLivePicture } from "../live_picture.js";
import { createPages } from "../pages.js";
import { may } from "../rights.js";

/**
 * @typedef {import("../../../../lib/model/camera.ts").Camera} Camera
 * @typedef {import("../../../../lib/model/discovery.ts").DiscoveredCamera} Discovered
 * @typedef {object} Tile
 * @property {HTMLElement} element
 * @property {ReturnType<typeof createLivePicture>} live
 * @property {(now: Camera) => void} update
 */

/** @type {Map<string, Tile>} */
const tiles = new Map();
let mayRun = false;
let still = false;

/** @type {ReturnType<typeof createPages<Camera>>} */
const list = createPages({
  id: "cameras",
  path: "/api/cameras",
  draw: (camera) => tiles.has(camera.id) ? null : draw(camera),
});

/** @param {import("../app.js").Me} me */
export async function start(me) {
  mayRun = may(me, "cameras:write");
  show(byId("adding"), mayRun);
  onSubmit(formById("camera-new"), add);
  show(byId("discover-card"), may(me, "admin"));
  const looking = elementOf("discover", HTMLButtonElement);
  looking.addEventListener("click", () => void attempt(discover, looking));
  const button = elementOf("still", HTMLButtonElement);
  button.addEventListener("click", () => {
    still = !still;
    button.setAttribute("aria-pressed", String(still));
    for (const { live } of tiles.values()) live.pause(still);
  });
  void follow((news) => void heed(news).catch(complain));
  await attempt(list.load);
}

/** What is not known to have changed stays as it is, and its picture goes on. */
async function catchUp() {
  /** @type {{ items: Camera[] }} */
  const { items } = await get("/api/cameras?limit=200");
  const there = new Set(items.map(({ id }) => id));
  for (const id of tiles.keys()) if (!there.has(id)) remove(id);
  for (const camera of items.toReversed()) put(camera);
}

/** @param {import("../live.js").News} news */
async function heed({ type, data }) {
  if (type === "reset") return await catchUp();
  if (!type.startsWith("camera.")) return;
  if (type === "camera.deleted") return remove(data.camera_id);
  if (!tiles.has(data.camera_id) && type !== "camera.created") return;
  put(await get(`/api/cameras/${data.camera_id}`));
}

/** @param {FormData} form */
async function add(form) {
  const { name, url, location, fps } = Object.fromEntries(form);
  put(await send("POST", "/api/cameras", { name, url, location, fps: Number(fps) }));
  formById("camera-new").reset();
  toast(t("cameras.added", { name: String(name) }));
}

async function discover() {
  fillWith(byId("discovered"));
  /** @type {{ items: Discovered[] }} */
  const { items } = await send("POST", "/api/cameras/discover", {});
  fillWith(
    byId("discovered"),
    items.length ? items.map(discovered) : h("li", {}, t("discover.none")),
  );
}

/** @param {Discovered} camera */
function discovered({ name, hardware, location, addresses, known, allowed }) {
  const [address = ""] = addresses;
  const words = [address, hardware !== name && hardware, location].filter(Boolean).join(" · ");
  const state = known ? t("discover.known") : allowed ? null : t("discover.forbidden");
  const use = h("button", { type: "button", class: "quiet" }, t("discover.use"));
  use.addEventListener("click", () => {
    const form = formById("camera-new");
    setField(form, "name", name || hardware);
    const host = address.includes(":") ? `[${address}]` : address;
    setField(form, "url", `rtsp://${host}:554/`);
    setField(form, "location", location);
    form.querySelector("input")?.focus();
  });
  return h(
    "li",
    { class: "between" },
    h("div", {}, h("strong", {}, name || t("discover.nameless")), h("p", { class: "hint" }, words)),
    state ? h("span", { class: "hint" }, state) : use,
  );
}

/**
 * @param {HTMLFormElement} form
 * @param {string} name
 * @param {string} value
 */
function setField(form, name, value) {
  const field = form.elements.namedItem(name);
  if (field instanceof HTMLInputElement) field.value = value;
}

/**
 * Shows a camera as it is now, a new one first.
 * @param {Camera} camera
 */
function put(camera) {
  const tile = tiles.get(camera.id);
  if (tile) return tile.update(camera);
  byId("cameras").prepend(draw(camera));
  show(byId("cameras-empty"), false);
}

/** @param {string} id */
function remove(id) {
  const tile = tiles.get(id);
  tile?.live.end();
  tile?.element.remove();
  tiles.delete(id);
  show(byId("cameras-empty"), tiles.size === 0);
}

/** @param {Camera} camera */
function draw(camera) {
  const live = createLivePicture(camera);
  live.pause(still);
  const words = h("div", {});
  const element = h("li", { class: "card", "data-id": camera.id }, live.element, words);
  /** @param {Camera} now */
  const tell = (now) => {
    const focused = words.querySelector("button:focus") !== null;
    fillWith(words, wordsOf(now, update));
    const button = words.querySelector("button");
    if (focused) button?.focus();
  };
  /** @param {Camera} now */
  const update = (now) => {
    live.update(now);
    tell(now);
  };
  tell(camera);
  tiles.set(camera.id, { element, live, update });
  return element;
}

/**
 * @param {Camera} camera
 * @param {(now: Camera) => void} update
 */
function wordsOf(camera, update) {
  const { id, name, location } = camera;
  return [
    h(
      "div",
      { class: "between" },
      h("h2", {}, h("a", { href: `/console/cameras/${id}` }, name)),
      stateChip(camera),
    ),
    location && h("p", { class: "hint" }, location),
    reasonOf(camera),
    mayRun && h("p", { class: "row" }, switchButton(camera, update)),
  ];
}

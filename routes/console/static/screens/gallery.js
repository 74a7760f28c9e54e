import { address, get, localUrl, send } from "../api.js";
import { offerCameras, readCameraNames } from "../camera_names.js";
import { byId, elementOf, fillWith, formById, h, show, valuesOf } from "../dom.js";
import { attempt, complain, confirmed, toast } from "../feedback.js";
import { formatBytes, t } from "../i18n.js";
import { follow } from "../live.js";
import { createPagedList } from "../paged_list.js";
import { placeholder } from "../placeholder.js";
import { createVirtualGrid } from "../virtual_grid.js";

/**
 * @typedef {import("../../../../lib/model/image.ts").ImageSummary} Summary
 * @typedef {import("../../../../lib/model/image.ts").Quota} Quota
 * @typedef {{ items: Summary[], next_cursor: string | null, quota: Quota }} Found
 */

const PAGE = 200;
const BATCH = 100;
/** Where the reader was, for when they come back. */
const PLACE = "imago.gallery";

const form = formById("search");
/** @type {Set<string>} */
const selected = new Set();
/** @type {Set<string>} */
const news = new Set();
/** The first photo of the list as it was read. */
let newest = "";
let anchor = 0;
let list = createPagedList({ read });
const grid = createVirtualGrid({
  space: byId("grid"),
  tiles: byId("tiles"),
  count: () => list.total,
  draw,
  onRange: (from, to) => void load(from, to).catch(complain),
});

export async function start() {
  offerCameras(form, null);
  readAddress();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  form.addEventListener("change", search);
  form.addEventListener("reset", () => setTimeout(search));
  byId("tiles").addEventListener("click", select);
  byId("select-all").addEventListener("click", () => {
    for (const { id } of list.held()) selected.add(id);
    tellSelection();
  });
  byId("select-none").addEventListener("click", () => {
    selected.clear();
    tellSelection();
  });
  for (const action of /** @type {const} */ (["delete", "reprocess"])) {
    const button = elementOf(action, HTMLButtonElement);
    button.addEventListener("click", () => void attempt(() => actOn(action), button));
  }
  byId("news").addEventListener("click", () => {
    sessionStorage.removeItem(PLACE);
    restart();
    scrollTo(0, 0);
  });
  addEventListener("pagehide", keepPlace);
  void follow(heed);
  void offerTags().catch(complain);
  void readCameraNames().then((cameras) => offerCameras(form, cameras)).catch(complain);
  await attempt(findPlace);
}

/** @param {string} cursor */
async function read(cursor) {
  /** @type {Found} */
  const found = await get(address("/images", { ...filter(), limit: PAGE, cursor }));
  tellQuota(found.quota);
  return found;
}

/**
 * @param {number} from
 * @param {number} to
 */
async function load(from, to) {
  const missing = () => from < list.total && !list.at(from);
  if (!missing() && (list.complete || to <= list.total)) return;
  const current = list;
  await list.ensure(from, to);
  if (current !== list) return;
  newest ||= list.at(0)?.id ?? "";
  tellFound();
  grid.redraw();
}

function filter() {
  const values = valuesOf(form);
  // A day ends where the reader lives, not in UTC.
  if (values.from) values.from = new Date(`${values.from}T00:00`).toISOString();
  if (values.to) values.to = new Date(`${values.to}T23:59:59.999`).toISOString();
  return values;
}

function readAddress() {
  for (const [name, value] of new URLSearchParams(location.search)) {
    const field = form.elements.namedItem(name);
    if (field instanceof HTMLInputElement && field.type === "checkbox") {
      field.checked = value === "true";
    } else if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) {
      field.value = value;
    }
  }
  countFilters();
}

function countFilters() {
  const { text: _, ...others } = valuesOf(form);
  const count = Object.keys(others).length;
  byId("filter-count").textContent = count ? String(count) : "";
}

function search() {
  history.replaceState(null, "", address(location.pathname, valuesOf(form)));
  countFilters();
  restart();
}

function restart() {
  list = createPagedList({ read });
  newest = "";
  selected.clear();
  news.clear();
  show(byId("news"), false);
  tellSelection();
  void attempt(() => load(0, PAGE));
}

/** Comes back to where the reader was, if the search is the same. */
async function findPlace() {
  const kept = sessionStorage.getItem(PLACE);
  const place = kept ? JSON.parse(kept) : null;
  if (place?.search !== location.search) return await load(0, PAGE);
  list.restore(place.outline);
  grid.layOut();
  scrollTo(0, place.scroll);
  tellFound();
}

function keepPlace() {
  const place = { search: location.search, scroll: scrollY, outline: list.outline() };
  sessionStorage.setItem(PLACE, JSON.stringify(place));
}

/** @param {import("../live.js").News} event */
function heed({ type, data }) {
  const id = String(data.image_id);
  if (type === "image.deleted") {
    list.remove(id);
    selected.delete(id);
    grid.redraw();
  } else if (type === "image.pending") {
    if (!list.held().some((item) => item.id === id)) news.add(id);
    tellNews();
  } else if (type === "reset") {
    void lookForNews().catch(complain);
  } else if (["image.done", "image.failed", "image.partial"].includes(type)) {
    void renew(id).catch(complain);
  }
}

/** What came while nobody told. */
async function lookForNews() {
  const { items } = await read("");
  for (const { id } of items) if (id > newest) news.add(id);
  tellNews();
}

function tellNews() {
  byId("news").textContent = t("gallery.news", { count: news.size });
  show(byId("news"), news.size > 0);
}

/** @param {string} id */
async function renew(id) {
  if (!list.held().some((item) => item.id === id)) return;
  list.replace(await get(`/images/${id}`));
  grid.redraw();
}

async function offerTags() {
  /** @type {{ tags: { tag: string, count: number }[] }} */
  const { tags } = await get("/images/tags/all");
  fillWith(byId("tags"), tags.map(({ tag }) => h("option", { value: tag })));
}

/** @param {number} index */
function draw(index) {
  const image = list.at(index);
  if (!image) return h("li", { class: "tile", "aria-hidden": "true" });
  const { id, original_name: name, status, thumbnail_url, thumbhash } = image;
  const picture = h("span", { class: "tile-picture" });
  if (thumbhash) picture.style.backgroundImage = `url(${placeholder(thumbhash)})`;
  if (thumbnail_url) {
    picture.append(h("img", { src: localUrl(thumbnail_url), alt: "", decoding: "async" }));
  }
  const box = h("input", { type: "checkbox", "aria-label": t("gallery.select", { name }) });
  box.checked = selected.has(id);
  return h(
    "li",
    {
      class: "tile",
      "data-id": id,
      "aria-setsize": list.complete ? list.total : -1,
      "aria-posinset": index + 1,
    },
    h(
      "a",
      { href: `/console/images/${id}`, title: name },
      picture,
      h("span", { class: "tile-name" }, name),
      status === "done"
        ? null
        : h("span", { class: "chip", "data-state": status }, t(`status.${status}`)),
    ),
    h("label", { class: "tile-box" }, box),
  );
}

/** @param {MouseEvent} event */
function select(event) {
  const box = event.target;
  if (!(box instanceof HTMLInputElement)) return;
  const index = grid.indexOf(box) ?? 0;
  const range = event.shiftKey
    ? [Math.min(anchor, index), Math.max(anchor, index)]
    : [index, index];
  for (let place = range[0] ?? 0; place <= (range[1] ?? 0); place++) {
    const id = list.at(place)?.id;
    if (id && box.checked) selected.add(id);
    else if (id) selected.delete(id);
  }
  anchor = index;
  tellSelection();
}

function tellSelection() {
  byId("selected").textContent = t("gallery.selected", { count: selected.size });
  show(byId("selection"), selected.size > 0);
  grid.redraw();
}

/** @param {"delete" | "reprocess"} action */
async function actOn(action) {
  const ids = [...selected];
  const count = ids.length;
  const question = t("gallery.confirmDelete", { count });
  if (action === "delete" && !(await confirmed({ question, action: t("gallery.delete") }))) return;
  let refused = 0;
  for (let at = 0; at < count; at += BATCH) {
    /** @type {{ results: { id: string, status: number }[] }} */
    const { results } = await send("POST", "/images/batch", {
      ids: ids.slice(at, at + BATCH),
      action,
    });
    for (const { id, status } of results) {
      if (status >= 400 && status !== 404) refused++;
      else if (action === "delete") list.remove(id);
    }
  }
  selected.clear();
  tellSelection();
  tellFound();
  toast(
    t(action === "delete" ? "gallery.deleted" : "gallery.reprocessed", { count: count - refused }),
  );
  if (refused) toast(t("gallery.refused", { count: refused }));
}

function tellFound() {
  const { total, complete } = list;
  const narrowed = Object.keys(valuesOf(form)).length > 0;
  show(byId("empty"), total === 0 && complete && !narrowed);
  show(byId("nothing"), total === 0 && complete && narrowed);
  byId("found").textContent = t(complete ? "gallery.found" : "gallery.foundMore", { count: total });
}

/** @param {Quota} quota */
function tellQuota({ used_bytes, limit_bytes, percent }) {
  show(byId("quota"));
  elementOf("quota-meter", HTMLMeterElement).value = percent;
  byId("quota-text").textContent = t("gallery.quota", {
    used: formatBytes(used_bytes),
    limit: formatBytes(limit_bytes),
  });
}

import { address, ApiError, ask, get, send } from "../api.js";
import { createSeeing, showZones } from "../camera_seeing.js";
import { reasonOf, stateChip, switchButton } from "../camera_state.js";
import { byId, elementOf, fillWith, formById, h, show } from "../dom.js";
import { createEventList } from "../event_list.js";
import { attempt, complain, confirmed, onSubmit, toast } from "../feedback.js";
import { formatNumber, formatSpan, formatTime, t } from "../i18n.js";
import { follow } from "../live.js";
import { createLivePicture } from "../live_picture.js";
import { may } from "../rights.js";

/**
 * @typedef {import("../../../../lib/model/camera.ts").Camera} Camera
 * @typedef {import("../../../../lib/model/camera.ts").CameraStats} Stats
 */

/** The figures are some seconds old anyway. */
const FIGURES_MS = 5_000;
const EVENTS = "10";

const id = location.pathname.split("/").at(-1) ?? "";
const path = `/api/cameras/${id}`;
const form = formById("camera-form");

let mayRun = false;
/** What the settings in the form are of, so that nobody else's change is overwritten. */
let version = "";
/** Whether the reader has begun to change the settings. */
let touched = false;
/** @type {ReturnType<typeof createLivePicture> | null} */
let live = null;
const seeing = createSeeing(() => live && showZones(live.element, seeing.zones()));
/** @type {Camera | null} */
let shown = null;

/** @param {import("../app.js").Me} me */
export async function start(me) {
  mayRun = may(me, "cameras:write");
  show(byId("settings"), mayRun);
  show(byId("seen-card"), may(me, "events:read"));
  show(byId("all-photos"), may(me, "images:read"));
  const here = { camera_id: id };
  elementOf("all-events", HTMLAnchorElement).href = address("/console/events", here);
  elementOf("all-photos", HTMLAnchorElement).href = address("/console/images", here);
  form.addEventListener("input", () => touched = true);
  form.addEventListener("click", ({ target }) => {
    if (target instanceof HTMLButtonElement && target.type === "button") touched = true;
  });
  onSubmit(form, save);
  byId("delete").addEventListener("click", () => void attempt(remove));
  elementOf("still", HTMLButtonElement).addEventListener("click", holdStill);
  await attempt(async () => {
    if (!await load()) return;
    const events = may(me, "events:read") ? eventsFor(me) : null;
    void follow((news) => void heed(news, events).catch(complain));
    setInterval(() => void showFigures().catch(complain), FIGURES_MS);
    await Promise.all([showFigures(), events?.load()]);
  });
}

/** @param {import("../app.js").Me} me */
function eventsFor(me) {
  return createEventList({
    query: () => ({ camera_id: id, limit: EVENTS }),
    cameras: null,
    mayHandle: may(me, "events:write"),
  });
}

/**
 * @param {import("../live.js").News} news
 * @param {ReturnType<typeof createEventList> | null} events
 */
async function heed(news, events) {
  const { type, data } = news;
  await events?.heed(news);
  if (type === "reset" || (type.startsWith("camera.") && data.camera_id === id)) await load();
}

/** Whether the camera is there. */
async function load() {
  try {
    const response = await ask("GET", path);
    render(await response.json(), response.headers.get("ETag") ?? "");
    return true;
  } catch (error) {
    if (!(error instanceof ApiError && [400, 404, 422].includes(error.status))) throw error;
    const way = h("a", { href: "/console/cameras", class: "button" }, t("cameras.back"));
    fillWith(
      byId("screen"),
      h("div", { class: "empty" }, h("p", {}, t("cameras.gone")), h("p", {}, way)),
    );
    live?.end();
    return false;
  }
}

/**
 * @param {Camera} camera
 * @param {string} tag
 */
function render(camera, tag) {
  shown = camera;
  document.title = `${camera.name} · Imago`;
  const title = document.querySelector("h1");
  if (title) title.textContent = camera.name;
  if (live) live.update(camera);
  else byId("live").append((live = createLivePicture(camera)).element);
  const since = formatTime(camera.status_since, { dateStyle: "medium", timeStyle: "medium" });
  fillWith(byId("state"), stateChip(camera), " ", t("cameras.since", { time: since }));
  fillWith(byId("reason"), reasonOf(camera));
  show(byId("reason"), camera.error !== null);
  showSwitch(camera);
  if (!touched) fillForm(camera, tag);
}

/** @param {Camera} camera */
function showSwitch(camera) {
  const place = byId("switch");
  const focused = place.contains(document.activeElement);
  fillWith(place, mayRun && switchButton(camera, () => void load().catch(complain)));
  if (focused) place.querySelector("button")?.focus();
}

function holdStill() {
  const button = byId("still");
  const still = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(still));
  live?.pause(still);
}

async function showFigures() {
  if (document.hidden) return;
  /** @type {Stats} */
  const { frames, fps, last_frame_at, errors, events, uptime_s } = await get(`${path}/stats`);
  /** @type {[import("../i18n.js").Key, string][]} */
  const figures = [
    ["cameras.frames", formatNumber(frames)],
    ["cameras.fpsNow", formatNumber(fps, { maximumFractionDigits: 2 })],
    [
      "cameras.lastFrame",
      last_frame_at
        ? formatTime(last_frame_at, {
          dateStyle: "medium",
          timeStyle: "medium",
        })
        : t("cameras.never"),
    ],
    ["cameras.events", formatNumber(events)],
    ["cameras.errors", formatNumber(errors)],
    ["cameras.uptime", formatSpan(uptime_s)],
  ];
  fillWith(
    byId("figures"),
    figures.map(([key, value]) => [h("dt", {}, t(key)), h("dd", {}, value)]),
  );
}

/**
 * @param {Camera} camera
 * @param {string} tag
 */
function fillForm(camera, tag) {
  const { name, url, location, fps } = camera;
  version = tag;
  seeing.fill(camera);
  for (const [field, value] of Object.entries({ name, url, location, fps: String(fps) })) {
    const input = form.elements.namedItem(field);
    if (input instanceof HTMLInputElement) input.value = value;
  }
}

/** @param {FormData} data */
async function save(data) {
  const { name, url, location, fps } = Object.fromEntries(data);
  // An address that is left as it was shown, or empty, stays what it is.
  const address = url === "" || url === shown?.url ? {} : { url };
  const patch = { name, location, fps: Number(fps), ...address, ...seeing.read() };
  await send("PUT", path, patch, { "If-Match": version });
  touched = false;
  toast(t("cameras.saved"));
  await load();
}

async function remove() {
  const question = t("cameras.confirmDelete", { name: shown?.name ?? "" });
  if (!(await confirmed({ question, action: t("cameras.delete") }))) return;
  await send("DELETE", path);
  globalThis.location.assign("/console/cameras");
}

import { ApiError, get, localUrl } from "../api.js";
import { byId, elementOf, fillWith, h, show } from "../dom.js";
import { explain } from "../feedback.js";
import { formatBytes, formatPercent, t, tOf } from "../i18n.js";
import { follow } from "../live.js";
import { sendForm } from "../send_file.js";
import { createUploads } from "../uploads.js";

/**
 * @typedef {import("../uploads.js").Upload} Upload
 * @typedef {import("../../../../lib/model/image.ts").Image} Image
 * @typedef {{ item: HTMLElement, state: HTMLElement, bar: HTMLProgressElement, actions: HTMLElement,
 *   picture: HTMLElement }} Row
 */

/** The server takes it within this time again, when it does not say when. */
const AGAIN_MS = 5_000;

/** @type {Map<Upload, Row>} */
const rows = new Map();
/** @type {Map<string, Upload>} */
const byImage = new Map();

const uploads = createUploads({
  async send({ file, key }, onProgress, signal) {
    const body = new FormData();
    body.append("file", file);
    return (await sendForm("/images/upload", body, { key, onProgress, signal })).id;
  },
  judge(error) {
    const status = error instanceof ApiError ? error.status : 400;
    const retryAfter = error instanceof ApiError ? error.retryAfter : null;
    const busy = status === 429 || status === 503;
    const again = status === 0 || status === 401 || status >= 500;
    return { again, afterMs: busy ? (retryAfter ?? 0) * 1000 || AGAIN_MS : null };
  },
  onChange: render,
});

export function start() {
  for (const id of ["files", "camera"]) {
    const input = elementOf(id, HTMLInputElement);
    input.addEventListener("change", () => {
      uploads.add(input.files ?? []);
      input.value = "";
    });
  }
  const drop = byId("drop");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (!relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    uploads.add(event.dataTransfer?.files ?? []);
  });
  document.addEventListener(
    "paste",
    ({ clipboardData }) => uploads.add(clipboardData?.files ?? []),
  );
  addEventListener("online", () => uploads.retryAll());
  addEventListener("beforeunload", (event) => {
    const unsent = uploads.all.some(({ state }) => state === "waiting" || state === "sending");
    if (unsent) event.preventDefault();
  });
  byId("pause-all").addEventListener("click", () => uploads.pauseAll());
  byId("resume-all").addEventListener("click", () => uploads.resumeAll());
  byId("retry-all").addEventListener("click", () => uploads.retryAll());
  void follow(heed);
}

/** @param {import("../live.js").News} news */
function heed({ type, data }) {
  if (type === "reset") { for (const upload of byImage.values()) void refresh(upload); }
  const upload = byImage.get(data.image_id);
  if (!upload) return;
  if (type === "image.deleted") rows.get(upload)?.item.remove();
  else void refresh(upload);
}

/** @param {Upload} upload */
function render(upload) {
  const row = rows.get(upload) ?? add(upload);
  const { file, state, sent, error } = upload;
  row.item.dataset.state = state;
  show(row.bar, state === "sending");
  row.bar.value = file.size ? Math.min(1, sent / file.size) : 0;
  row.bar.textContent = formatPercent(row.bar.value);
  fillWith(row.state, error ? explain(error) : t(`upload.${state}`));
  fillWith(row.actions, actionsFor(upload));
  if (upload.image && !byImage.has(upload.image)) {
    byImage.set(upload.image, upload);
    void refresh(upload);
  }
  tellOverall();
}

/** @param {Upload} upload */
function add(upload) {
  const { name, size } = upload.file;
  const picture = h("span", { class: "upload-picture", "aria-hidden": "true" });
  const state = h("span", { class: "upload-state" });
  const bar = h("progress", { max: 1, "aria-label": t("upload.progress", { name }) });
  const actions = h("span", { class: "row" });
  const item = h(
    "li",
    { class: "upload" },
    picture,
    h("span", { class: "upload-name" }, name),
    h("small", { class: "hint" }, formatBytes(size)),
    bar,
    state,
    actions,
  );
  const row = { item, state, bar, actions, picture };
  rows.set(upload, row);
  byId("uploads").prepend(item);
  return row;
}

/** @param {Upload} upload */
function actionsFor(upload) {
  const { state, file, image } = upload;
  /**
   * @param {import("../i18n.js").Key} key
   * @param {() => void} onclick
   */
  const button = (key, onclick) => {
    const label = `${t(key)}: ${file.name}`;
    return h("button", { type: "button", class: "quiet", "aria-label": label, onclick }, t(key));
  };
  if (state === "waiting" || state === "sending") {
    return button("upload.pause", () => uploads.pause(upload));
  }
  if (state === "paused") return button("upload.resume", () => uploads.resume(upload));
  if (state === "broken") return button("upload.retry", () => uploads.resume(upload));
  return image ? h("a", { href: `/console/images/${image}` }, t("upload.open")) : null;
}

/**
 * Shows how far the pipeline is with a photo that was taken.
 * @param {Upload} upload
 */
async function refresh(upload) {
  const row = rows.get(upload);
  if (!row || !upload.image) return;
  /** @type {Image} */
  const image = await get(`/images/${upload.image}`);
  row.item.dataset.status = image.status;
  fillWith(
    row.state,
    h("span", { class: "chip", "data-state": image.status }, t(`status.${image.status}`)),
    h(
      "span",
      { class: "steps" },
      Object.entries(image.steps).map(([name, { state }]) =>
        h("span", {
          class: "step-dot",
          "data-state": state,
          title: `${tOf("step", name)}: ${tOf("state", state)}`,
        })
      ),
    ),
  );
  if (image.thumbnail_url && !row.picture.firstChild) {
    row.picture.append(h("img", { src: localUrl(image.thumbnail_url), alt: "" }));
  }
}

function tellOverall() {
  /** @param {string[]} states */
  const count = (...states) => uploads.all.filter(({ state }) => states.includes(state)).length;
  const total = uploads.all.length;
  show(byId("uploads-empty"), total === 0);
  show(byId("queue-actions"), total > 0);
  show(byId("pause-all"), count("waiting", "sending") > 0);
  show(byId("resume-all"), count("paused") > 0);
  show(byId("retry-all"), count("broken") > 0);
  byId("overall").textContent = t("upload.overall", { taken: count("taken"), count: total });
}

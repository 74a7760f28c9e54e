import { address, ApiError, get, localUrl, send } from "../api.js";
import { byId, elementOf, fillWith, formById, h, show } from "../dom.js";
import { attempt, complain, confirmed, copy, copyButton, onSubmit, toast } from "../feedback.js";
import {
  formatBytes,
  formatCameraTime,
  formatDuration,
  formatNumber,
  formatPercent,
  formatTime,
  t,
  tOf,
} from "../i18n.js";
import { follow } from "../live.js";
import { placeholder } from "../placeholder.js";

/**
 * @typedef {import("../../../../lib/model/image.ts").Image} Image
 * @typedef {import("../../../../lib/model/job.ts").StepRun} StepRun
 */

const id = location.pathname.split("/").at(-1) ?? "";
const path = `/images/${id}`;

export async function start() {
  byId("delete").addEventListener("click", () => void attempt(remove));
  onSubmit(formById("again-form"), reprocess);
  onSubmit(formById("link-form"), makeLink);
  void follow(({ type, data }) => {
    if (type === "reset" || data.image_id === id) void load().catch(complain);
  });
  await attempt(load);
}

async function load() {
  try {
    render(await get(path));
  } catch (error) {
    const gone = error instanceof ApiError && (error.status === 404 || error.status === 422);
    if (!gone) throw error;
    const way = h("a", { href: "/console/images", class: "button" }, t("image.back"));
    fillWith(
      byId("screen"),
      h("div", { class: "empty" }, h("p", {}, t("image.gone")), h("p", {}, way)),
    );
  }
}

/** @param {Image} image */
function render(image) {
  document.title = `${image.original_name} · Imago`;
  const title = document.querySelector("h1");
  if (title) title.textContent = image.original_name;
  const status = byId("status");
  status.dataset.state = image.status;
  status.textContent = t(`status.${image.status}`);
  fillWith(byId("steps"), Object.entries(image.steps).map(([name, run]) => stepOf(name, run)));
  void showPicture(image).catch(complain);
  void showSimilar(image).catch(complain);
  fillWith(byId("seen"), seenOf(image));
  fillWith(byId("text"), textOf(image));
  fillWith(byId("facts"), factsOf(image));
  const text = image.ocr?.text ?? "";
  show(byId("copy-text"), text !== "");
  byId("copy-text").onclick = () => void copy(text);
}

/** Whether those that look the same are shown: they are known once the picture was decoded. */
let compared = false;

/** @param {Image} image */
async function showSimilar({ steps }) {
  if (compared || steps.renditions?.state !== "done") return;
  compared = true;
  /** @type {{ items: import("zod").infer<typeof import("../../../../lib/model/image.ts").SimilarImage>[] }} */
  const { items } = await get(`${path}/similar`);
  show(byId("similar-card"), items.length > 0);
  fillWith(
    byId("similar"),
    items.map(({ id, original_name, thumbnail_url }) =>
      h(
        "li",
        {},
        h(
          "a",
          { href: `/console/images/${id}`, title: original_name },
          thumbnail_url
            ? h("img", { src: localUrl(thumbnail_url), alt: original_name, decoding: "async" })
            : original_name,
        ),
      )
    ),
  );
}

/**
 * @param {string} name
 * @param {StepRun} run
 */
function stepOf(name, { state, reason, attempts, errors, started_at, done_at, retry_at }) {
  const took = started_at && done_at ? Date.parse(done_at) - Date.parse(started_at) : null;
  const words = [
    tOf("state", state),
    state === "retrying" && retry_at ? t("image.retryAt", { time: formatTime(retry_at) }) : "",
    attempts > 1 ? t("image.attempts", { count: attempts }) : "",
    took === null ? "" : formatDuration(took),
  ];
  return h(
    "li",
    { "data-state": state },
    h("strong", {}, tOf("step", name)),
    " ",
    h("span", { class: "hint" }, words.filter(Boolean).join(" · ")),
    reason && h("p", { class: "hint", lang: "en" }, reason),
    errors.length > 0 && h(
      "details",
      {},
      h("summary", {}, t("image.errors", { count: errors.length })),
      h(
        "ul",
        {},
        errors.map(({ at, message }) =>
          h("li", {}, formatTime(at), " — ", h("span", { lang: "en" }, message))
        ),
      ),
    ),
  );
}

/** The picture as it is shown now: it does not change once it is there. */
let shown = "";

/** @param {Image} image */
async function showPicture(
  { id, original_name, caption, width, height, thumbhash, steps, status },
) {
  const ended = steps.renditions?.state === "done" ||
    ["done", "partial", "failed"].includes(status);
  const state = `${ended}${caption}`;
  if (state === shown) return;
  shown = state;
  const frame = h("div", { class: "frame" });
  frame.style.aspectRatio = `${width} / ${height}`;
  if (thumbhash) frame.style.backgroundImage = `url(${placeholder(thumbhash)})`;
  const words = [`${formatNumber(width)} × ${formatNumber(height)}`];
  fillWith(byId("picture"), frame, h("figcaption", { class: "hint" }, words));
  if (steps.renditions?.state !== "done") {
    frame.append(h("span", {}, t(ended ? "image.noPicture" : "image.picturePending")));
    return;
  }
  /** @type {{ url: string }} */
  const { url } = await get(`/images/${id}/thumbnail-url?size=medium`);
  frame.append(h("img", { src: localUrl(url), alt: caption ?? original_name, width, height }));
}

/** @param {Image} image */
function seenOf({ ai, ai_usage, tags, steps }) {
  if (!ai) return h("p", { class: "hint" }, absence(steps.vision, t("image.notSeen")));
  const spent = ai_usage && [
    formatNumber(ai_usage.input_tokens + ai_usage.output_tokens),
    " ",
    t("image.tokens"),
    ai_usage.cost === null ? null : ` · ${
      formatNumber(ai_usage.cost, {
        style: "currency",
        currency: "USD",
        maximumSignificantDigits: 2,
      })
    }`,
  ];
  return [
    h("p", {}, ai.description),
    h(
      "ul",
      { class: "tags" },
      tags.map((tag) => h("li", {}, h("a", { href: address("/console/images", { tag }) }, tag))),
    ),
    h(
      "p",
      { class: "hint" },
      t("image.byModel", { model: ai.model_used, confidence: formatPercent(ai.confidence) }),
      spent && [" · ", spent],
    ),
  ];
}

/** @param {Image} image */
function textOf({ ocr, steps }) {
  if (!ocr) return h("p", { class: "hint" }, absence(steps.ocr, t("image.noTextYet")));
  if (!ocr.has_text) return h("p", { class: "hint" }, t("image.noText"));
  return [
    h(
      "pre",
      { class: "text", lang: ocr.language, tabindex: 0, "aria-labelledby": "text-title" },
      ocr.text,
    ),
    h(
      "p",
      { class: "hint" },
      t("image.textConfidence", { confidence: formatPercent(ocr.confidence) }),
    ),
  ];
}

/**
 * Why there is nothing.
 * @param {StepRun | undefined} run
 * @param {string} otherwise
 */
function absence(run, otherwise) {
  if (run?.state === "skipped") {
    return [t("image.skipped"), " ", h("span", { lang: "en" }, run.reason ?? "")];
  }
  return run?.state === "failed" ? t("image.stepFailed") : otherwise;
}

/** @param {Image} image */
function factsOf({ exif, mime_type, size_bytes, created_at, sha256, source, camera_id }) {
  const { camera, gps } = exif ?? {};
  const exposure = [camera?.aperture, camera?.shutter_speed, camera?.focal_length];
  if (camera?.iso) exposure.push(`ISO ${camera.iso}`);
  /** @type {[import("../i18n.js").Key, import("../dom.js").Child][]} */
  const facts = [
    ["image.taken", camera?.taken_at && formatCameraTime(camera.taken_at)],
    ["image.camera", [camera?.make, camera?.model].filter(Boolean).join(" ")],
    ["image.lens", camera?.lens],
    ["image.exposure", exposure.filter(Boolean).join(" · ")],
    ["image.place", gps?.has_gps && placeOf(gps)],
    ["image.file", `${mime_type} · ${formatBytes(size_bytes)}`],
    ["image.added", [formatTime(created_at), " · ", sourceOf(source, camera_id)]],
    ["image.sha256", h("code", { class: "long" }, sha256)],
  ];
  return facts.filter(([, value]) => value).map(([key, value]) => [
    h("dt", {}, t(key)),
    h("dd", {}, value),
  ]);
}

/**
 * @param {Image["source"]} source
 * @param {string | null} camera
 */
function sourceOf(source, camera) {
  if (!camera) return t(`source.${source}`);
  return [
    h("a", { href: `/console/cameras/${camera}` }, t(`source.${source}`)),
    " (",
    h("a", { href: address("/console/events", { camera_id: camera }) }, t("image.itsEvents")),
    ")",
  ];
}

/** @param {import("../../../../lib/model/image.ts").Gps} gps */
function placeOf({ latitude, longitude, altitude, maps_url }) {
  const digits = { maximumFractionDigits: 5 };
  const place = `${formatNumber(latitude ?? 0, digits)} ; ${formatNumber(longitude ?? 0, digits)}`;
  return [
    h(
      "a",
      { href: maps_url, target: "_blank", rel: "noopener noreferrer" },
      place,
      " ",
      t("image.onMap"),
    ),
    altitude !== null && `, ${t("image.altitude", { metres: Math.round(altitude) })}`,
  ];
}

/** @param {FormData} form */
async function makeLink(form) {
  const of = String(form.get("of"));
  const query = { size: of === "original" ? "" : of, expires_in: String(form.get("seconds")) };
  const kind = of === "original" ? "download-url" : "thumbnail-url";
  /** @type {{ url: string, expires_at: string }} */
  const { url, expires_at } = await get(address(`${path}/${kind}`, query));
  const field = h("input", { readonly: true, value: url, "aria-label": t("image.links") });
  fillWith(
    byId("link"),
    h("p", { class: "row" }, field, copyButton(() => url)),
    h(
      "p",
      { class: "hint", role: "status" },
      t("image.linkUntil", { time: formatTime(expires_at) }),
    ),
  );
}

/** @param {FormData} form */
async function reprocess(form) {
  await send("POST", `${path}/reprocess`, { steps: form.getAll("steps") });
  toast(t("image.queued"));
  await load();
}

async function remove() {
  const question = t("image.confirmDelete");
  if (!(await confirmed({ question, action: t("image.delete") }))) return;
  await send("DELETE", path);
  location.assign(elementOf("back", HTMLAnchorElement).href);
}

import { address, ask, get, send } from "../api.js";
import { barChart } from "../chart.js";
import { byId, elementOf, fillWith, h, show } from "../dom.js";
import { attempt, toast } from "../feedback.js";
import { formatDuration, formatNumber, formatPercent, t, tOf } from "../i18n.js";
import { sendForm } from "../send_file.js";

/**
 * @typedef {{ filename: string, prediction: string, prediction_id: string, model_used: string,
 *   scores: Record<string, number>, inference_ms: number }} Prediction
 * @typedef {{ predictions: number, errors: number, avg_latency_ms: number | null,
 *   p95_latency_ms: number | null, feedback: number, positive_rate: number | null }} Figures
 * @typedef {Figures & { date: string }} Day
 */

const days = elementOf("days", HTMLSelectElement);

export async function start() {
  const input = elementOf("file", HTMLInputElement);
  input.addEventListener("change", () => {
    void look(input.files?.[0]);
    input.value = "";
  });
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
    void look(event.dataTransfer?.files[0]);
  });
  document.addEventListener("paste", ({ clipboardData }) => void look(clipboardData?.files[0]));
  days.addEventListener("change", () => void attempt(tellFigures));
  byId("csv").addEventListener("click", () => void attempt(saveCsv));
  await attempt(tellFigures);
}

/** @param {File | undefined} file */
async function look(file) {
  if (!file) return;
  const body = new FormData();
  body.append("file", file);
  const labels = elementOf("labels", HTMLInputElement).value.trim();
  if (labels) body.append("labels", labels);
  show(byId("nothing"), false);
  fillWith(byId("feedback"));
  fillWith(byId("answer"), h("p", { class: "hint" }, t("predict.looking")));
  const picture = pictureOf(file);
  /** @type {Prediction | undefined} */
  const found = await attempt(() => sendForm("/api/predict", body));
  fillWith(byId("answer"), picture, found ? answerOf(found) : null);
  if (found) fillWith(byId("feedback"), feedbackFor(found));
  await attempt(tellFigures);
}

/** @param {File} file */
function pictureOf(file) {
  const picture = h("img", { class: "shown", alt: "", src: URL.createObjectURL(file) });
  for (const end of ["load", "error"]) {
    picture.addEventListener(end, () => URL.revokeObjectURL(picture.src));
  }
  // Browsers do not show every format that Imago reads.
  picture.addEventListener("error", () => picture.remove());
  return picture;
}

/** @param {Prediction} prediction */
function answerOf({ prediction, scores, model_used, inference_ms }) {
  const best = Object.entries(scores).toSorted(([, a], [, b]) => b - a);
  return [
    h("p", { class: "verdict" }, labelOf(prediction)),
    h(
      "ul",
      { class: "bars" },
      best.map(([label, score]) =>
        h(
          "li",
          {},
          h("span", {}, labelOf(label)),
          h("meter", { min: 0, max: 1, value: score, "aria-label": labelOf(label) }),
          h("span", { class: "hint" }, formatPercent(score, 1)),
        )
      ),
    ),
    h("p", { class: "hint" }, `${model_used} · ${formatDuration(inference_ms)}`),
  ];
}

/** @param {string} label */
function labelOf(label) {
  return tOf("label", label.toLowerCase()) === label.toLowerCase()
    ? label
    : tOf("label", label.toLowerCase());
}

/** @param {Prediction} prediction */
function feedbackFor(prediction) {
  const right = h("button", { type: "button" }, sign("👍"), t("predict.right"));
  const wrong = h("button", { type: "button" }, sign("👎"), t("predict.wrong"));
  const truth = h("p", { class: "row", hidden: true }, t("predict.truth"));
  right.addEventListener("click", () => void attempt(() => judge(prediction, "positive"), right));
  wrong.addEventListener("click", () => {
    show(truth);
    void attempt(() => judge(prediction, "negative"), wrong);
  });
  for (const label of Object.keys(prediction.scores)) {
    const choice = h("button", { type: "button", class: "quiet" }, labelOf(label));
    choice.addEventListener(
      "click",
      () => void attempt(() => judge(prediction, "negative", label), choice),
    );
    truth.append(choice);
  }
  return [h("p", { class: "row" }, right, wrong), truth];
}

/**
 * @param {Prediction} prediction
 * @param {"positive" | "negative"} feedback
 * @param {string} [label] what it is in truth
 */
async function judge({ prediction_id, scores, filename }, feedback, label) {
  await send("POST", "/api/feedback", {
    feedback,
    label,
    prediction_id,
    resultat_prediction: Math.max(...Object.values(scores)),
    input_user: filename,
  });
  toast(t("predict.thanks"));
  await tellFigures();
}

async function tellFigures() {
  /** @type {{ days: Day[], sum?: Figures }} */
  const shown = await get(address("/api/metrics/daily", { days: days.value }));
  /** @type {{ sum: Figures }} */
  const { sum } = await get("/api/metrics/7d");
  const none = "–";
  /** @type {[import("../i18n.js").Key, string][]} */
  const sums = [
    ["predict.predictions", formatNumber(sum.predictions)],
    ["predict.errors", formatNumber(sum.errors)],
    ["predict.latency", sum.p95_latency_ms === null ? none : formatDuration(sum.p95_latency_ms)],
    ["predict.agreement", sum.positive_rate === null ? none : formatPercent(sum.positive_rate)],
  ];
  fillWith(
    byId("sums"),
    sums.map(([key, value]) => h("div", {}, h("dt", {}, t(key)), h("dd", {}, value))),
  );
  /** @param {(day: Day) => number | null} value */
  const points = (value) => shown.days.map((day) => ({ date: day.date, value: value(day) }));
  fillWith(
    byId("charts"),
    barChart(t("predict.perDay"), points((day) => day.predictions), formatNumber),
    barChart(t("predict.latencyPerDay"), points((day) => day.p95_latency_ms), formatDuration),
    barChart(t("predict.agreementPerDay"), points((day) => day.positive_rate), formatPercent),
    barChart(t("predict.errorsPerDay"), points((day) => day.errors), formatNumber),
  );
}

/**
 * A picture beside words that say the same.
 * @param {string} emoji
 */
function sign(emoji) {
  return h("span", { "aria-hidden": "true" }, emoji);
}

async function saveCsv() {
  const path = address("/api/metrics/daily", { days: days.value, format: "csv" });
  const href = URL.createObjectURL(await (await ask("GET", path)).blob());
  h("a", { href, download: "predictions.csv" }).click();
  URL.revokeObjectURL(href);
}

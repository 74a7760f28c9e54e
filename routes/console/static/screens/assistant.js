import { send } from "../api.js";
import { byId, fillWith, formById, h } from "../dom.js";
import { copyButton, onSubmit } from "../feedback.js";
import { t } from "../i18n.js";

/**
 * @typedef {{ url: string, title: string, summary: string, language: string | null, model_used: string }} Summary
 * @typedef {{ title: string, description: string, steps: string[], priority: "low" | "medium" | "high",
 *   estimate: string, tags: string[], model_used: string }} Task
 */

export function start() {
  onSubmit(
    formById("summary-form"),
    (form) => answer("summary", "/ai/summarize", form, drawSummary),
  );
  onSubmit(formById("task-form"), (form) => answer("task", "/ai/draft-task", form, drawTask));
}

/**
 * @template T
 * @param {string} id
 * @param {string} path
 * @param {FormData} form
 * @param {(answer: T) => import("../dom.js").Child} draw
 */
async function answer(id, path, form, draw) {
  const place = byId(`${id}-answer`);
  fillWith(place, h("p", { class: "hint" }, t("assistant.thinking")));
  try {
    /** @type {T} */
    const found = await send("POST", path, given(form));
    fillWith(place, draw(found));
  } catch (error) {
    fillWith(place);
    throw error;
  }
}

/** @param {FormData} form */
function given(form) {
  return Object.fromEntries([...form].filter(([, value]) => String(value).trim() !== ""));
}

/** @param {Summary} summary */
function drawSummary({ url, title, summary, model_used }) {
  return h(
    "article",
    { class: "answer" },
    h("h3", {}, h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, title || url)),
    h("p", { class: "prose" }, summary),
    footer(model_used, summary),
  );
}

/** @param {Task} task */
function drawTask({ title, description, steps, priority, estimate, tags, model_used }) {
  const text = [title, description, ...steps.map((step) => `- ${step}`)].join("\n");
  return h(
    "article",
    { class: "answer" },
    h("h3", {}, title),
    h("p", { class: "prose" }, description),
    h("ol", {}, steps.map((step) => h("li", {}, step))),
    h(
      "dl",
      { class: "facts" },
      h("dt", {}, t("assistant.priority")),
      h("dd", {}, t(`priority.${priority}`)),
      h("dt", {}, t("assistant.estimate")),
      h("dd", {}, estimate),
    ),
    h("p", { class: "row" }, tags.map((tag) => h("span", { class: "chip" }, tag))),
    footer(model_used, text),
  );
}

/**
 * @param {string} model
 * @param {string} text
 */
function footer(model, text) {
  const source = h("span", { class: "hint" }, t("assistant.by", { model }));
  return h("p", { class: "between" }, source, copyButton(() => text));
}

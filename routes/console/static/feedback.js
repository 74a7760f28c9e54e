import { ApiError } from "./api.js";
import { byId, fillWith, h, show } from "./dom.js";
import { language, t } from "./i18n.js";

const TOAST_MS = 6_000;

/**
 * Says something in passing.
 * @param {string} text
 */
export function toast(text) {
  const note = h("p", { class: "toast" }, text);
  byId("toasts").append(note);
  setTimeout(() => note.remove(), TOAST_MS);
}

/**
 * Why something did not work, in the reader's language; with the API's own English words where they
 * say more.
 * @param {unknown} error
 */
export function explain(error) {
  if (!(error instanceof ApiError)) {
    reportError(error);
    return h("span", {}, t("problem.page"));
  }
  if (error.status === 0) return h("span", {}, error.reason);
  if (language === "en") return h("span", {}, error.message);
  const words = h("small", { lang: "en" }, error.message);
  return h("span", {}, error.reason, error.reason === error.message ? null : [" ", words]);
}

/**
 * Shows above the screen what went wrong, until the next try.
 * @param {unknown} error
 */
export function complain(error) {
  if (error instanceof DOMException && error.name === "AbortError") return;
  // The sign-in form says it.
  if (error instanceof ApiError && error.status === 401) return;
  const notice = byId("notice");
  fillWith(notice, explain(error));
  show(notice);
  notice.scrollIntoView({ block: "nearest" });
}

/**
 * Does something that may be refused; what went wrong is shown. While it runs the button waits.
 * @template T
 * @param {() => Promise<T>} work
 * @param {HTMLButtonElement | null} [button]
 * @returns {Promise<T | undefined>}
 */
export async function attempt(work, button = null) {
  show(byId("notice"), false);
  if (button) button.disabled = true;
  try {
    return await work();
  } catch (error) {
    complain(error);
  } finally {
    if (button) button.disabled = false;
  }
}

/**
 * A button that does something to one thing of a list.
 * @param {import("./i18n.js").Key} key its words
 * @param {string} name of the thing
 * @param {() => Promise<unknown>} work
 */
export function actionButton(key, name, work) {
  const label = `${t(key)}: ${name}`;
  const button = h("button", { type: "button", class: "quiet", "aria-label": label }, t(key));
  button.addEventListener("click", () => void attempt(work, button));
  return button;
}

/**
 * Handles a form's sending here.
 * @param {HTMLFormElement} form
 * @param {(data: FormData) => Promise<unknown>} work
 */
export function onSubmit(form, work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter instanceof HTMLButtonElement ? event.submitter : null;
    void attempt(() => work(new FormData(form)), button);
  });
}

/**
 * Asks before what cannot be taken back; with `word`, to be typed in.
 * @param {{ question: string, action: string, word?: string }} what
 * @returns {Promise<boolean>}
 */
export function confirmed({ question, action, word }) {
  const { promise, resolve } = Promise.withResolvers();
  const typed = h("input", { id: "confirm-word", autocomplete: "off", autofocus: true });
  const go = h("button", { class: "danger", value: "yes" }, action);
  go.disabled = word !== undefined;
  typed.addEventListener("input", () => go.disabled = typed.value !== word);
  const cancel = h(
    "button",
    { class: "quiet", value: "", autofocus: word === undefined },
    t("action.cancel"),
  );
  const dialog = h(
    "dialog",
    { "aria-labelledby": "confirm-question" },
    h(
      "form",
      { method: "dialog" },
      h("p", { id: "confirm-question" }, question),
      word !== undefined && [
        h("label", { for: "confirm-word" }, t("action.typeToConfirm", { word })),
        typed,
      ],
      h("p", { class: "row end" }, cancel, go),
    ),
  );
  dialog.addEventListener("close", () => {
    resolve(dialog.returnValue === "yes");
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
  return promise;
}

/**
 * A button that copies.
 * @param {() => string} text
 */
export function copyButton(text) {
  return h(
    "button",
    { type: "button", class: "quiet", onclick: () => copy(text()) },
    t("action.copy"),
  );
}

/** @param {string} text */
export async function copy(text) {
  await navigator.clipboard.writeText(text);
  toast(t("action.copied"));
}

/**
 * What is shown once, to copy: a key, a secret.
 * @param {string} explanation
 * @param {string} secret
 */
export function secretBox(explanation, secret) {
  return h(
    "div",
    { class: "secret", role: "status" },
    h("p", {}, explanation),
    h("p", { class: "row" }, h("code", {}, secret), copyButton(() => secret)),
  );
}

/**
 * A word with a colour, for states.
 * @param {string} state
 * @param {string} text
 */
export function chip(state, text) {
  return h("span", { class: "chip", "data-state": state }, text);
}

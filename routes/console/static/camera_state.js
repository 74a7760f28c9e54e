import { send } from "./api.js";
import { h } from "./dom.js";
import { actionButton, chip } from "./feedback.js";
import { t } from "./i18n.js";

/** @typedef {import("../../../lib/model/camera.ts").Camera} Camera */

/**
 * How a camera does, as a chip.
 * @param {Camera} camera
 */
export function stateChip({ status }) {
  return chip(status, t(`cameras.state.${status}`));
}

/**
 * Why a camera sends no picture, or what else is wrong; null where there is nothing to say.
 * @param {Camera} camera
 */
export function reasonOf({ error, status }) {
  const why = t(status === "active" ? "cameras.trouble" : "cameras.reason");
  return error && h("p", { class: "reason" }, why, " ", h("span", { lang: "en" }, error));
}

/**
 * Starts a camera that is stopped, and stops one that is not.
 * @param {Camera} camera
 * @param {(now: Camera) => void} onChange
 */
export function switchButton({ id, name, status }, onChange) {
  const way = status === "inactive" ? "start" : "stop";
  return actionButton(`cameras.${way}`, name, async () => {
    onChange(await send("POST", `/api/cameras/${id}/${way}`));
  });
}

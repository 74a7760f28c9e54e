import { address, ApiError, get } from "./api.js";
import { byId, h, show } from "./dom.js";
import { t } from "./i18n.js";

/**
 * The tenant's cameras, names by id; null for a reader who may not know them.
 * @returns {Promise<Map<string, string> | null>}
 */
export async function readCameraNames() {
  const names = new Map();
  try {
    let cursor = "";
    do {
      /** @type {{ items: { id: string, name: string }[], next_cursor: string | null }} */
      const { items, next_cursor } = await get(address("/api/cameras", { limit: 200, cursor }));
      for (const { id, name } of items) names.set(id, name);
      cursor = next_cursor ?? "";
    } while (cursor);
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return null;
    throw error;
  }
  return names;
}

/**
 * Offers the cameras in the form's field `camera_id`, and chooses the one of the page's address. One
 * that is gone has left its events and photos, and can be asked for still.
 * @param {HTMLFormElement} form
 * @param {Map<string, string> | null} cameras
 */
export function offerCameras(form, cameras) {
  const select = form.elements.namedItem("camera_id");
  if (!(select instanceof HTMLSelectElement)) return;
  const offered = new Map(cameras);
  const wanted = new URLSearchParams(location.search).get("camera_id") ?? "";
  if (wanted && !offered.has(wanted)) offered.set(wanted, t("cameras.goneOne"));
  const options = [...offered].map(([id, name]) => h("option", { value: id }, name));
  select.replaceChildren(...[...select.options].filter(({ value }) => value === ""), ...options);
  select.value = wanted;
  show(byId("by-camera"), offered.size > 0);
}

import { thumbHashToDataURL } from "./vendor/thumbhash.js";

/**
 * A blurred picture of what is still to come.
 * @param {string} thumbhash base64
 */
export function placeholder(thumbhash) {
  return thumbHashToDataURL(Uint8Array.from(atob(thumbhash), (letter) => letter.charCodeAt(0)));
}

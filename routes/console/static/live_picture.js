import { ApiError, send } from "./api.js";
import { fillWith, h, show } from "./dom.js";
import { createFrames } from "./frames.js";
import { formatTime, t } from "./i18n.js";

/** @typedef {import("../../../lib/model/camera.ts").Camera} Camera */

const frames = createFrames({ connect });
document.addEventListener("visibilitychange", () => frames.rest(document.hidden));

/** Opens a line with a ticket: a browser sends no header with it. */
async function connect() {
  try {
    /** @type {{ ticket: string }} */
    const { ticket } = await send("POST", "/api/auth/ws-ticket");
    const address = new URL(`/ws?ticket=${encodeURIComponent(ticket)}`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    return new WebSocket(address);
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return null;
    throw error;
  }
}

/** @type {Map<Element, (seen: boolean) => void>} */
const observed = new Map();
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) observed.get(target)?.(isIntersecting);
});

/**
 * What a camera sees, as it comes while it can be seen here; words where there is no picture.
 * @param {Camera} first
 */
export function createLivePicture(first) {
  let camera = first;
  let seen = false;
  let paused = false;
  /** When the picture that is shown came. */
  let at = "";
  /** @type {(() => void) | null} */
  let leave = null;
  const picture = h("img", { hidden: true });
  const words = h("p", { class: "live-words" });
  const element = h("div", { class: "frame live" }, picture, words);
  picture.addEventListener("load", () => {
    const ratio = picture.naturalWidth / picture.naturalHeight;
    if (ratio) element.style.setProperty("--ratio", String(ratio));
  });

  /** @param {string} jpeg */
  const take = (jpeg) => {
    picture.src = `data:image/jpeg;base64,${jpeg}`;
    at = new Date().toISOString();
    show(picture);
    tell();
  };

  const tell = () => {
    const sends = camera.status === "active";
    picture.alt = t("cameras.pictureOf", { name: camera.name });
    element.dataset.old = String(!sends);
    fillWith(words, wordsFor(camera, at));
    show(words, !sends || at === "");
  };

  const settle = () => {
    const wanted = seen && !paused && camera.status !== "inactive";
    if (wanted) leave ??= frames.watch(camera.id, take);
    else if (leave) leave = (leave(), null);
  };

  observed.set(element, (visible) => {
    seen = visible;
    settle();
  });
  observer.observe(element);
  tell();

  return {
    element,

    /** @param {Camera} now */
    update(now) {
      camera = now;
      tell();
      settle();
    },

    /**
     * Lets the picture stand still, or move again.
     * @param {boolean} still
     */
    pause(still) {
      paused = still;
      settle();
    },

    /** It is shown no more. */
    end() {
      observer.unobserve(element);
      observed.delete(element);
      seen = false;
      settle();
    },
  };
}

/**
 * @param {Camera} camera
 * @param {string} at when its last picture came here, if one did
 */
function wordsFor({ status }, at) {
  const last = at && t("cameras.lastSeen", { time: formatTime(at, { timeStyle: "medium" }) });
  return [t(`cameras.no.${status}`), last && h("small", {}, last)];
}

import { address, get } from "./api.js";
import { byId, show } from "./dom.js";
import { complain } from "./feedback.js";
import { t } from "./i18n.js";
import { eventCard, pictureIsThere } from "./event_card.js";
import { createPages } from "./pages.js";

/**
 * @typedef {import("../../../lib/model/event.ts").Event} Seen
 * @typedef {import("./live.js").News} News
 */

/** Beyond so many cards, what is new makes room by reading the list anew. */
const MOST = 300;

/**
 * Events, newest first, that come in by themselves. A reader who is further down, or at work in a
 * card, is not disturbed: newer events wait behind a button.
 * @param {object} options
 * @param {() => Record<string, string>} options.query what is to be shown, in the API's words
 * @param {Map<string, string> | null} options.cameras names by id
 * @param {boolean} options.mayHandle whether the reader may acknowledge
 */
export function createEventList({ query, cameras, mayHandle }) {
  const rows = byId("events");
  const button = byId("events-news");
  /** @type {Map<string, Seen>} */
  const waiting = new Map();
  /** What comes while the list is read is put in after that. */
  let turn = Promise.resolve();

  /** @param {() => void | Promise<void>} work */
  const inTurn = (work) => {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  };

  /** @param {string} id */
  const cardOf = (id) => rows.querySelector(`[data-id="${CSS.escape(id)}"]`);

  /** What each card shows. @type {Map<string, string>} */
  const drawn = new Map();

  /** @param {Seen} event */
  const draw = (event) => {
    drawn.set(event.id, JSON.stringify(event));
    return eventCard(event, { cameras, mayHandle, onAcknowledged: (now) => settle(now) });
  };

  /** @type {ReturnType<typeof createPages<Seen>>} */
  const pages = createPages({
    id: "events",
    path: "/api/events",
    query,
    draw: (event) => cardOf(event.id) ? null : draw(event),
  });

  const tellWaiting = () => {
    button.textContent = t("events.news", { count: waiting.size });
    show(button, waiting.size > 0);
  };

  const readAnew = async () => {
    drawn.clear();
    await pages.load();
    waiting.clear();
    tellWaiting();
  };
  const load = () => inTurn(readAnew);

  /** @param {Seen} event */
  const insert = (event) => {
    // Identifiers say when it occurred.
    const older = [...rows.children].find((row) =>
      row instanceof HTMLElement && (row.dataset.id ?? "") < event.id
    );
    if (!older && pages.more) return;
    rows.insertBefore(draw(event), older ?? null);
    show(byId("events-empty"), false);
    if (rows.children.length > MOST) void load().catch(complain);
  };

  const disturbs = () =>
    rows.contains(document.activeElement) || rows.getBoundingClientRect().top < 0;

  /** @param {Seen} event */
  const add = (event) => {
    if (cardOf(event.id) || !fits(event, query())) return;
    if (!disturbs()) return insert(event);
    waiting.set(event.id, event);
    tellWaiting();
  };

  /** @param {Seen} event */
  const renew = (event) => {
    if (waiting.has(event.id)) waiting.set(event.id, event);
    const card = cardOf(event.id);
    if (drawn.get(event.id) === JSON.stringify(event)) return;
    // Whoever writes a note there goes on.
    if (card && !card.contains(document.activeElement)) card.replaceWith(draw(event));
  };

  /** Puts in what came while nobody told; more than a page of it is read as a new list. */
  const catchUp = async () => {
    /** @type {{ items: Seen[] }} */
    const { items } = await get(address("/api/events", query()));
    if (!items.some(({ id }) => cardOf(id))) return await readAnew();
    for (const event of items.toReversed()) cardOf(event.id) ? renew(event) : add(event);
  };

  /** @param {string} id */
  const remove = (id) => {
    if (waiting.delete(id)) tellWaiting();
    drawn.delete(id);
    cardOf(id)?.remove();
    show(byId("events-empty"), !rows.firstChild);
  };

  /**
   * What the reader has just acknowledged; the focus stays there, or goes to the next.
   * @param {Seen} event
   */
  const settle = (event) => {
    const card = cardOf(event.id);
    if (!card) return;
    const now = draw(event);
    const stays = fits(event, query());
    const next = stays ? now : card.nextElementSibling ?? card.previousElementSibling;
    if (stays) card.replaceWith(now);
    else remove(event.id);
    if (next instanceof HTMLElement) next.focus({ preventScroll: true });
  };

  button.addEventListener("click", () => {
    for (const event of waiting.values()) if (!cardOf(event.id)) insert(event);
    const newest = rows.firstElementChild;
    waiting.clear();
    tellWaiting();
    if (newest instanceof HTMLElement) newest.focus();
  });

  return {
    load,

    /** @param {News} news */
    heed({ type, data }) {
      if (type === "reset") return inTurn(catchUp);
      if (type === "image.done" || type === "image.partial" || type === "image.step") {
        return inTurn(() => pictureIsThere(data.image_id));
      }
      if (!type.startsWith("event.")) return turn;
      const event = /** @type {Seen} */ (data);
      if (type === "event.created") return inTurn(() => add(event));
      return inTurn(() => type === "event.deleted" ? remove(event.id) : renew(event));
    },
  };
}

/**
 * Whether an event is among those asked for.
 * @param {Seen} event
 * @param {Record<string, string>} query
 */
function fits({ camera_id, type, severity, acknowledged }, query) {
  const own = { camera_id, type, severity, acknowledged: String(acknowledged) };
  return Object.entries(own).every(([name, value]) => !query[name] || query[name] === value);
}

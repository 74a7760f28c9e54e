import { address, get } from "../api.js";
import { offerCameras, readCameraNames } from "../camera_names.js";
import { byId, formById, valuesOf } from "../dom.js";
import { createEventList } from "../event_list.js";
import { attempt, complain } from "../feedback.js";
import { formatNumber } from "../i18n.js";
import { follow } from "../live.js";
import { may } from "../rights.js";

/** @typedef {import("../../../../lib/model/event.ts").EventStats} Stats */

/** Events may come in bursts; they are counted once for each. */
const COUNT_MS = 500;

const form = formById("narrow");
/** @type {ReturnType<typeof setTimeout> | undefined} */
let planned;

/** @param {import("../app.js").Me} me */
export async function start(me) {
  await attempt(async () => {
    const cameras = await readCameraNames();
    offerCameras(form, cameras);
    readAddress();
    const mayHandle = may(me, "events:write");
    const list = createEventList({ query: () => valuesOf(form), cameras, mayHandle });
    form.addEventListener("change", () => {
      history.replaceState(null, "", address(location.pathname, valuesOf(form)));
      void attempt(list.load);
    });
    void follow((news) => {
      void list.heed(news).catch(complain);
      if (news.type === "reset" || news.type.startsWith("event.")) planCount();
    });
    await Promise.all([list.load(), count()]);
  });
}

function readAddress() {
  for (const [name, value] of new URLSearchParams(location.search)) {
    const field = form.elements.namedItem(name);
    if (!(field instanceof HTMLSelectElement)) continue;
    field.value = value;
    // Nothing that is offered.
    if (field.selectedIndex < 0) field.value = "";
  }
}

function planCount() {
  planned ??= setTimeout(() => {
    planned = undefined;
    void count().catch(complain);
  }, COUNT_MS);
}

async function count() {
  /** @type {Stats} */
  const { total, unacknowledged } = await get("/api/events/stats");
  byId("count-all").textContent = formatNumber(total);
  byId("count-open").textContent = formatNumber(unacknowledged);
}

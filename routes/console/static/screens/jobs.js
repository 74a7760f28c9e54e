import { address, get, send } from "../api.js";
import { byId, elementOf, fillWith, h, show } from "../dom.js";
import { attempt, chip, complain, confirmed, toast } from "../feedback.js";
import { formatNumber, formatTime, t, tOf } from "../i18n.js";
import { follow } from "../live.js";
import { createPages } from "../pages.js";

/**
 * @typedef {import("../../../../lib/model/job.ts").Job} Job
 * @typedef {import("../../../../lib/model/job.ts").DeadLetter} Letter
 */

const COUNTED = ["available", "running", "retryable", "scheduled"];
/** Beyond that, a number says "or more". */
const COUNT_MAX = 200;
/** So many dead letters are shown. */
const LETTERS_MAX = 1_000;
const LOOK_MS = 1_500;

/** @type {ReturnType<typeof createPages<Job>>} */
const latest = createPages({ id: "jobs", path: "/jobs", draw });
/** @type {ReturnType<typeof setTimeout> | undefined} */
let planned;

export async function start() {
  const button = elementOf("replay-all", HTMLButtonElement);
  button.addEventListener("click", () => void attempt(replayAll, button));
  void follow(() => planned ??= setTimeout(look, LOOK_MS));
  await attempt(load);
}

function look() {
  planned = undefined;
  void load().catch(complain);
}

async function load() {
  await Promise.all([...COUNTED.map(count), loadLetters(), latest.load()]);
}

/** @param {string} state */
async function count(state) {
  /** @type {{ items: Job[], next_cursor: string | null }} */
  const { items, next_cursor } = await get(address("/jobs", { state, limit: COUNT_MAX }));
  byId(`count-${state}`).textContent = formatNumber(items.length) + (next_cursor ? "+" : "");
}

async function loadLetters() {
  /** @type {Letter[]} */
  const letters = [];
  let cursor = "";
  do {
    /** @type {{ items: Letter[], next_cursor: string | null }} */
    const { items, next_cursor } = await get(address("/dead-letters", { limit: 200, cursor }));
    letters.push(...items);
    cursor = next_cursor ?? "";
  } while (cursor && letters.length < LETTERS_MAX);
  const groups = Map.groupBy(letters, causeOf);
  show(byId("letters-empty"), letters.length === 0);
  show(byId("replay-all"), letters.length > 0);
  const largestFirst = [...groups.values()].toSorted((a, b) => b.length - a.length);
  fillWith(byId("letters"), largestFirst.map(drawGroup));
}

/** @param {Letter} letter */
function causeOf({ step, errors }) {
  const last = errors.at(-1);
  return `${step} ${last?.code} ${last?.message}`;
}

/** @param {Letter[]} letters that share their cause */
function drawGroup(letters) {
  const { step = "", errors = [] } = letters[0] ?? {};
  const last = errors.at(-1);
  const title = t("jobs.cause", { step: tOf("step", step), count: letters.length });
  return h(
    "article",
    { class: "letter" },
    h("h3", {}, title),
    h("p", { lang: "en" }, last?.message ?? "", " ", h("code", {}, last?.code ?? "")),
    h(
      "details",
      {},
      h("summary", {}, t("jobs.photos", { count: letters.length })),
      h(
        "ul",
        {},
        letters.map((letter) =>
          h(
            "li",
            {},
            h("a", { href: `/console/images/${letter.image_id}` }, formatTime(letter.failed_at)),
            " · ",
            t("jobs.tries", { count: letter.errors.length }),
            " ",
            action("jobs.replay", () => replay([letter])),
            " ",
            action("jobs.discard", () => discard([letter])),
          )
        ),
      ),
    ),
    h(
      "p",
      { class: "row" },
      action("jobs.replayThese", () => replay(letters)),
      action("jobs.discardThese", () => discard(letters)),
    ),
  );
}

/**
 * @param {import("../i18n.js").Key} key
 * @param {() => Promise<void>} work
 */
function action(key, work) {
  const button = h("button", { type: "button", class: "quiet" }, t(key));
  button.addEventListener("click", () => void attempt(work, button));
  return button;
}

/** @param {Letter[]} letters */
async function replay(letters) {
  for (const { id } of letters) await send("POST", `/dead-letters/${id}/replay`);
  toast(t("jobs.replayed", { count: letters.length }));
  await load();
}

async function replayAll() {
  /** @type {{ replayed: number, left: number }} */
  const { replayed } = await send("POST", "/dead-letters/replay");
  toast(t("jobs.replayed", { count: replayed }));
  await load();
}

/** @param {Letter[]} letters */
async function discard(letters) {
  const question = t("jobs.confirmDiscard", { count: letters.length });
  if (!(await confirmed({ question, action: t("jobs.discard") }))) return;
  for (const { id } of letters) await send("DELETE", `/dead-letters/${id}`);
  toast(t("jobs.discarded", { count: letters.length }));
  await load();
}

/** @param {Job} job */
function draw({ subject, state, created_at, steps }) {
  return h(
    "tr",
    {},
    h("td", {}, h("a", { href: `/console/images/${subject}` }, `…${subject.slice(-8)}`)),
    h("td", {}, chip(state, t(`job.${state}`))),
    h("td", {}, formatTime(created_at)),
    h(
      "td",
      {},
      h(
        "span",
        { class: "steps" },
        Object.entries(steps).map(([name, { state }]) =>
          h("span", {
            class: "step-dot",
            role: "img",
            "data-state": state,
            "aria-label": `${tOf("step", name)}: ${tOf("state", state)}`,
          })
        ),
      ),
    ),
  );
}

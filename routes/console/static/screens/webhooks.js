import { send } from "../api.js";
import { byId, fillWith, formById, h, show } from "../dom.js";
import { actionButton, attempt, chip, confirmed, onSubmit, secretBox, toast } from "../feedback.js";
import { formatTime, t } from "../i18n.js";
import { createPages } from "../pages.js";

/**
 * @typedef {import("../../../../lib/model/webhook.ts").Webhook} Webhook
 * @typedef {import("../../../../lib/model/webhook.ts").Delivery} Delivery
 */

/** @type {ReturnType<typeof createPages<Webhook>>} */
const list = createPages({ id: "webhooks", path: "/webhooks", draw });

export async function start() {
  onSubmit(formById("webhook-form"), create);
  await attempt(list.load);
}

/** @param {FormData} form */
async function create(form) {
  const types = String(form.get("types")).split(/[\s,]+/).filter(Boolean);
  /** @type {Webhook & { secret: string }} */
  const webhook = await send("POST", "/webhooks", { url: form.get("url"), types });
  formById("webhook-form").reset();
  fillWith(byId("secret"), secretBox(t("webhooks.secret"), webhook.secret));
  await list.load();
}

/** @param {Webhook} webhook */
function draw({ id, url, types, active, disabled }) {
  const state = active ? "active" : disabled ?? "inactive";
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("code", { class: "long" }, url)),
    h("td", {}, types.join(", ")),
    h("td", {}, chip(disabled ? "failed" : state, t(`webhooks.${state}`))),
    h(
      "td",
      {},
      h(
        "span",
        { class: "row" },
        actionButton("webhooks.showDeliveries", url, () => showDeliveries(id, url)),
        actionButton(active ? "webhooks.pause" : "webhooks.resume", url, async () => {
          await send("PATCH", `/webhooks/${id}`, { active: !active });
          await list.load();
        }),
        actionButton("webhooks.delete", url, () => remove(id, url)),
      ),
    ),
  );
}

/**
 * @param {string} id
 * @param {string} url
 */
async function remove(id, url) {
  const question = t("webhooks.confirmDelete", { url });
  if (!(await confirmed({ question, action: t("webhooks.delete") }))) return;
  await send("DELETE", `/webhooks/${id}`);
  show(byId("of-one"), false);
  await list.load();
}

/** Whose deliveries are shown. */
let shown = "";

/** @type {ReturnType<typeof createPages<Delivery>>} */
const deliveries = createPages({
  id: "deliveries",
  path: () => `/webhooks/${shown}/deliveries`,
  draw: drawDelivery,
});

/**
 * @param {string} id
 * @param {string} url
 */
async function showDeliveries(id, url) {
  shown = id;
  byId("whose").textContent = url;
  show(byId("of-one"));
  await deliveries.load();
  byId("deliveries-title").scrollIntoView({ block: "center" });
}

/** @param {Delivery} delivery */
function drawDelivery({ id, type, state, attempts, created_at, next_attempt_at }) {
  const last = attempts.at(-1);
  const answer = last ? last.status ?? t("webhooks.noAnswer") : "";
  return h(
    "tr",
    {},
    h("td", {}, formatTime(created_at)),
    h("td", {}, h("code", {}, type)),
    h("td", {}, chip(state === "delivered" ? "done" : state, t(`delivery.${state}`))),
    h("td", {}, [
      t("webhooks.count", { count: attempts.length }),
      last && ` · ${answer}`,
      next_attempt_at && h(
        "p",
        { class: "hint" },
        t("webhooks.next", {
          time: formatTime(next_attempt_at),
        }),
      ),
    ]),
    h(
      "td",
      {},
      actionButton("webhooks.replay", type, async () => {
        await send("POST", `/webhooks/${shown}/deliveries/${id}/replay`);
        toast(t("webhooks.replayed"));
        await deliveries.load();
      }),
    ),
  );
}

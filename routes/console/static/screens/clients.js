import { ask, send } from "../api.js";
import { byId, fillWith, formById, h } from "../dom.js";
import { actionButton, attempt, chip, confirmed, onSubmit, secretBox, toast } from "../feedback.js";
import { formatBytes, t } from "../i18n.js";
import { createPages } from "../pages.js";

/** @typedef {import("../../../../lib/model/tenant.ts").Tenant} Client */

const MB = 1_048_576;

/** @type {ReturnType<typeof createPages<Client>>} */
const list = createPages({ id: "clients", path: "/auth/clients", draw });

export async function start() {
  onSubmit(formById("client-form"), create);
  await attempt(list.load);
}

/** @param {FormData} form */
async function create(form) {
  const number = (/** @type {string} */ name) => Number(form.get(name)) || undefined;
  const quota = number("quota_mb");
  /** @type {Client & { api_key: string }} */
  const client = await send("POST", "/auth/clients", {
    name: form.get("name"),
    plan: form.get("plan"),
    scopes: form.getAll("scopes"),
    external_ai: form.has("external_ai"),
    quota_bytes: quota && quota * MB,
    rate_limit: number("rate_limit"),
  });
  formById("client-form").reset();
  tellKey(client);
  await list.load();
}

/** @param {Client & { api_key: string }} client */
function tellKey({ name, api_key }) {
  fillWith(byId("secret"), secretBox(t("clients.key", { name }), api_key));
  byId("secret").scrollIntoView({ block: "center" });
}

/** @param {Client} client */
function draw(client) {
  const { id, name, plan, quota_bytes, active } = client;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name, h("br"), h("code", { class: "long" }, id)),
    h("td", {}, t(`plan.${plan}`)),
    h("td", {}, formatBytes(quota_bytes)),
    h(
      "td",
      {},
      chip(active ? "active" : "inactive", t(active ? "clients.active" : "clients.inactive")),
    ),
    h(
      "td",
      {},
      h(
        "span",
        { class: "row" },
        actionButton("clients.rotate", name, () => rotate(client)),
        actionButton(
          active ? "clients.deactivate" : "clients.activate",
          name,
          () => setActive(client, !active),
        ),
        actionButton(
          plan === "premium" ? "clients.toStandard" : "clients.toPremium",
          name,
          () => replan(client),
        ),
        actionButton("clients.erase", name, () => erase(client)),
      ),
    ),
  );
}

/** @param {Client} client */
async function rotate({ id, name }) {
  const question = t("clients.confirmRotate", { name });
  if (!(await confirmed({ question, action: t("clients.rotate") }))) return;
  tellKey(await send("POST", `/auth/clients/${id}/rotate-key`, {}));
}

/**
 * @param {Client} client
 * @param {boolean} active
 */
async function setActive({ id, name }, active) {
  const question = t("clients.confirmDeactivate", { name });
  if (!active && !(await confirmed({ question, action: t("clients.deactivate") }))) return;
  await change(id, { active });
}

/** @param {Client} client */
async function replan({ id, plan }) {
  await change(id, { plan: plan === "premium" ? "standard" : "premium" });
}

/**
 * @param {string} id
 * @param {Partial<Client>} patch
 */
async function change(id, patch) {
  const etag = (await ask("GET", `/auth/clients/${id}`)).headers.get("ETag") ?? "";
  await send("PATCH", `/auth/clients/${id}`, patch, { "If-Match": etag });
  toast(t("clients.changed"));
  await list.load();
}

/** @param {Client} client */
async function erase({ id, name }) {
  const question = t("clients.confirmErase", { name });
  if (!(await confirmed({ question, action: t("clients.erase"), word: name }))) return;
  /** @type {{ state: string, erased: { records: number, objects: number, bytes: number } }} */
  const { erased } = await send("DELETE", `/auth/clients/${id}?erase=true`, { confirm: name });
  toast(t("clients.erased", {
    records: erased.records,
    objects: erased.objects,
    size: formatBytes(erased.bytes),
  }));
  await list.load();
}

import { send } from "../api.js";
import { byId, fillWith, formById, h } from "../dom.js";
import { attempt, chip, confirmed, onSubmit, secretBox } from "../feedback.js";
import { formatTime, t } from "../i18n.js";
import { createPages } from "../pages.js";

/** @typedef {import("../../../../lib/model/tenant.ts").ApiKeyView} ApiKey */

/** @type {ReturnType<typeof createPages<ApiKey>>} */
const list = createPages({ id: "keys", path: "/auth/keys", draw });

export async function start() {
  onSubmit(formById("key-new"), create);
  await attempt(list.load);
}

/** @param {FormData} form */
async function create(form) {
  const day = form.get("expires");
  /** @type {ApiKey & { api_key: string }} */
  const key = await send("POST", "/auth/keys", {
    name: form.get("name"),
    scopes: form.getAll("scopes"),
    // A day ends where the reader lives.
    expires_at: day ? new Date(`${day}T23:59:59`).toISOString() : undefined,
  });
  formById("key-new").reset();
  fillWith(byId("secret"), secretBox(t("keys.key", { name: key.name }), key.api_key));
  await list.load();
}

/** @param {ApiKey} key */
function draw({ id, name, hint, scopes, main, last_used_at, expires_at }) {
  const label = t("keys.deleteOne", { name });
  const button = h(
    "button",
    { type: "button", class: "quiet", "aria-label": label },
    t("keys.delete"),
  );
  button.addEventListener("click", () => void attempt(() => remove(id, name), button));
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name, main && [" ", chip("active", t("keys.main"))]),
    h("td", {}, h("code", {}, hint)),
    h("td", {}, scopes.map((scope) => t(`scope.${scope}`)).join(", ")),
    h("td", {}, last_used_at ? formatTime(last_used_at) : t("keys.never")),
    h("td", {}, expires_at ? formatTime(expires_at, { dateStyle: "medium" }) : t("keys.never")),
    h("td", {}, main ? null : button),
  );
}

/**
 * @param {string} id
 * @param {string} name
 */
async function remove(id, name) {
  const question = t("keys.confirmDelete", { name });
  if (!(await confirmed({ question, action: t("keys.delete") }))) return;
  await send("DELETE", `/auth/keys/${id}`);
  await list.load();
}

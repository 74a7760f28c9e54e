import { send } from "../api.js";
import { formById, h } from "../dom.js";
import { actionButton, attempt, chip, confirmed, onSubmit, toast } from "../feedback.js";
import { formatTime, t } from "../i18n.js";
import { createPages } from "../pages.js";

/** @typedef {import("../../../../lib/model/user.ts").UserView} User */

/** @type {ReturnType<typeof createPages<User>>} */
const list = createPages({ id: "users", path: "/api/users", draw });

export async function start() {
  onSubmit(formById("user-new"), create);
  await attempt(list.load);
}

/** @param {FormData} form */
async function create(form) {
  await send("POST", "/api/users", {
    username: form.get("username"),
    password: form.get("password"),
    scopes: form.getAll("scopes"),
  });
  formById("user-new").reset();
  toast(t("users.created"));
  await list.load();
}

/** @param {User} user */
function draw({ id, username, scopes, active, last_login_at }) {
  const state = active ? "active" : "inactive";
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, username),
    h("td", {}, scopes.map((scope) => t(`scope.${scope}`)).join(", ")),
    h("td", {}, chip(state, t(`users.${state}`))),
    h("td", {}, last_login_at ? formatTime(last_login_at) : t("users.never")),
    h(
      "td",
      {},
      h(
        "span",
        { class: "row" },
        actionButton(
          active ? "users.deactivate" : "users.activate",
          username,
          () => change(id, { active: !active }),
        ),
        actionButton("users.delete", username, () => remove(id, username)),
      ),
    ),
  );
}

/**
 * @param {string} id
 * @param {Partial<User>} patch
 */
async function change(id, patch) {
  await send("PATCH", `/api/users/${id}`, patch);
  await list.load();
}

/**
 * @param {string} id
 * @param {string} name
 */
async function remove(id, name) {
  const question = t("users.confirmDelete", { name });
  if (!(await confirmed({ question, action: t("users.delete") }))) return;
  await send("DELETE", `/api/users/${id}`);
  await list.load();
}

import { ApiError, get, REACHABLE, REFUSED } from "./api.js";
import { byId, elementOf, formById, show } from "./dom.js";
import { attempt, onSubmit } from "./feedback.js";
import { t } from "./i18n.js";
import { credentials, keep, signInAs, signOut } from "./session.js";

/**
 * Who is signed in, as the API tells it.
 * @typedef {object} Me
 * @property {string} subject
 * @property {string[]} scopes
 * @property {{ id: string, name: string, plan: string } | null} tenant null for the master key
 */

const { screen = "", needs = "any", open } = document.body.dataset;

prepare();
await attempt(enter);

function prepare() {
  onSubmit(formById("key-form"), async () => {
    keep({ kind: "key", key: elementOf("key", HTMLInputElement).value.trim() });
    await enterOr(t("signIn.wrongKey"));
  });
  onSubmit(formById("user-form"), async () => {
    const name = elementOf("username", HTMLInputElement);
    const password = elementOf("password", HTMLInputElement);
    const { status, ok } = await signInAs(name.value.trim(), password.value);
    password.value = "";
    if (ok) return await enterOr(t("signIn.ended"));
    askToSignIn(t(status === 429 ? "signIn.tooOften" : "signIn.wrongUser"));
  });
  byId("sign-out").addEventListener("click", async () => {
    await signOut();
    location.reload();
  });
  addEventListener(REFUSED, () => {
    keep(null);
    if (!byId("screen").hidden) askToSignIn(t("signIn.ended"));
  });
  addEventListener(REACHABLE, (event) => {
    if (event instanceof CustomEvent) show(byId("offline"), !event.detail);
  });
  addEventListener("offline", () => show(byId("offline")));
  addEventListener("online", () => show(byId("offline"), false));
}

/** Shows the screen to whoever is signed in, and the form to whoever is not. */
async function enter() {
  if (!credentials()) {
    if (open !== undefined) return await start(null);
    return askToSignIn();
  }
  /** @type {Me} */
  const me = await get("/auth/me");
  introduce(me);
  if (!allows(me, needs) && open === undefined) {
    return askToSignIn(t(needs === "master" ? "signIn.needsMaster" : "signIn.needsScope", {
      scope: needs,
    }));
  }
  await start(me);
}

/** @param {string} reason for the form, if the credentials are refused */
async function enterOr(reason) {
  try {
    await enter();
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
    keep(null);
    askToSignIn(reason);
  }
}

/** @param {Me | null} me */
async function start(me) {
  show(byId("sign-in"), false);
  show(byId("screen"));
  const { start } = await import(`./screens/${screen}.js`);
  await start(me);
  document.body.dataset.ready = "";
}

/** @param {string} [reason] */
function askToSignIn(reason = "") {
  const line = byId("sign-in-reason");
  line.textContent = reason;
  show(line, reason !== "");
  show(byId("screen"), false);
  show(byId("sign-in"));
  elementOf("key", HTMLInputElement).value = "";
  elementOf("key", HTMLInputElement).focus();
}

/**
 * Names who is signed in, and shows in the menu what they can use.
 * @param {Me} me
 */
function introduce(me) {
  const who = byId("who");
  who.textContent = me.tenant ? me.tenant.name : t("shell.operator");
  show(who);
  show(byId("sign-out"));
  for (const item of document.querySelectorAll("#menu li[data-needs]")) {
    if (item instanceof HTMLElement) show(item, allows(me, item.dataset.needs ?? "any"));
  }
}

/**
 * @param {Me} me
 * @param {string} needed
 */
function allows({ tenant, scopes }, needed) {
  if (needed === "any") return true;
  if (!tenant) return needed === "master";
  return scopes.includes(needed) || (scopes.includes("admin") && needed !== "master");
}

/**
 * Who is signed in. The secret stays in this tab's session storage: it survives going from page to
 * page, is never sent by the browser itself, and is gone with the tab.
 *
 * @typedef {{ kind: "key", key: string }} ByKey
 * @typedef {{ kind: "user", access: string, refresh: string, until: number }} ByUser
 * @typedef {ByKey | ByUser} Credentials
 */

const NAME = "imago.credentials";
/** A token is renewed so long before it ends. */
const EARLY_MS = 30_000;

/** @type {Promise<void> | null} */
let renewal = null;

/** @returns {Credentials | null} */
export function credentials() {
  const kept = sessionStorage.getItem(NAME);
  return kept ? JSON.parse(kept) : null;
}

/** @param {Credentials | null} given */
export function keep(given) {
  if (given) sessionStorage.setItem(NAME, JSON.stringify(given));
  else sessionStorage.clear();
}

/**
 * The header that proves who asks, with a token that is still good.
 * @returns {Promise<Record<string, string>>}
 */
export async function proof() {
  let current = credentials();
  if (current?.kind === "user" && current.until - EARLY_MS < Date.now()) {
    renewal ??= renew(current).finally(() => renewal = null);
    await renewal;
    current = credentials();
  }
  if (!current) return {};
  return current.kind === "key"
    ? { "X-API-Key": current.key }
    : { Authorization: `Bearer ${current.access}` };
}

/**
 * @param {string} username
 * @param {string} password
 */
export async function signInAs(username, password) {
  const body = { username, password, remember_me: false };
  return await ask("/api/auth/login", body);
}

/** Ends the session of a user on the server too. */
export async function signOut() {
  const current = credentials();
  if (current?.kind === "user") {
    await fetch("/api/auth/logout", {
      method: "POST",
      headers: await proof(),
    });
  }
  keep(null);
}

/** @param {ByUser} current */
async function renew({ refresh }) {
  const answer = await ask("/api/auth/refresh", { refresh_token: refresh });
  // Refused: the session is over. Anything else may pass, and the old token is tried once more.
  if (answer.status === 401) keep(null);
}

/**
 * Asks for tokens, and keeps them when they come.
 * @param {string} path
 * @param {Record<string, unknown>} body
 */
async function ask(path, body) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (response.ok) {
    const { access_token: access, refresh_token: refresh, expires_in } = await response.json();
    keep({ kind: "user", access, refresh, until: Date.now() + expires_in * 1000 });
  }
  return response;
}

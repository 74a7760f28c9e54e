import assert from "node:assert/strict";
import type { Scope } from "../../lib/model/tenant.ts";
import type { SessionTokens, UserView } from "../../lib/model/user.ts";
import type { TestApp } from "./app.ts";

export const PASSWORD = "correct horse battery";

/** A request that carries JSON. */
export const sending = (method: string, body: unknown, headers: HeadersInit = {}): RequestInit => ({
  method,
  headers: { "Content-Type": "application/json", ...headers },
  body: JSON.stringify(body),
});

/** Makes a user of the app's first tenant, or of the tenant whose key is given. */
export async function makeUser(
  app: TestApp,
  username = "marie",
  scopes: Scope[] = ["images:read"],
  key?: string,
): Promise<UserView> {
  const init = sending("POST", { username, password: PASSWORD, scopes });
  const response = await app.request("/api/users", init, key);
  assert.equal(response.status, 201, await response.clone().text());
  return await response.json();
}

/** Tries to sign in. */
export const login = (app: TestApp, username = "marie", password = PASSWORD, more = {}) =>
  app.app.request("/api/auth/login", sending("POST", { username, password, ...more }));

export async function signIn(app: TestApp, username = "marie", more = {}): Promise<SessionTokens> {
  const response = await login(app, username, PASSWORD, more);
  assert.equal(response.status, 200, await response.clone().text());
  return await response.json();
}

/** A request with a user's access token. */
export function as(app: TestApp, { access_token }: SessionTokens) {
  return (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${access_token}`);
    return app.app.request(path, { ...init, headers });
  };
}

export const refresh = (app: TestApp, refresh_token: string) =>
  app.app.request("/api/auth/refresh", sending("POST", { refresh_token }));

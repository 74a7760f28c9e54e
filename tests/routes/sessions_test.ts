import assert from "node:assert/strict";
import { MASTER_KEY, startApp } from "../helpers/app.ts";
import { as, login, makeUser, PASSWORD, refresh, sending, signIn } from "../helpers/users.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

Deno.test("POST /api/auth/login gives tokens that do what the user may, and no more", async () => {
  await using app = await startApp();
  const made = await makeUser(app);
  const tokens = await signIn(app, " MARIE ");
  assert.deepEqual([tokens.token_type, tokens.expires_in], ["bearer", 900]);
  assert.deepEqual(tokens.user, {
    ...made,
    last_login_at: new Date(app.clock.now()).toISOString(),
  });
  const asMarie = as(app, tokens);
  assert.equal((await asMarie("/images")).status, 200);
  assert.equal((await asMarie("/api/users")).status, 403);
  assert.equal((await asMarie("/auth/clients")).status, 403);
  const me = await (await asMarie("/auth/me")).json();
  assert.deepEqual([me.subject, me.scopes, me.tenant.id], [
    `user:${made.id}`,
    ["images:read"],
    app.tenant.id,
  ]);
  assert.equal((await (await asMarie("/api/auth/me")).json()).username, "marie");
});

Deno.test("an access token ends after 15 minutes, also where it is believed from memory", async () => {
  await using app = await startApp();
  await makeUser(app);
  const asMarie = as(app, await signIn(app));
  await app.clock.advance(15 * MINUTE - 1_000);
  assert.equal((await asMarie("/images")).status, 200);
  await app.clock.advance(1_000);
  assert.equal((await asMarie("/images")).status, 401);
});

Deno.test("POST /api/auth/login answers the same whatever is wrong", async () => {
  await using app = await startApp();
  const { id } = await makeUser(app);
  await makeUser(app, "paul");
  await app.request(`/api/users/${id}`, sending("PATCH", { active: false }));
  const bodies = await Promise.all(
    [["nobody", PASSWORD], ["paul", "wrong password"], ["marie", PASSWORD]].map(
      async ([name, password]) => {
        const response = await login(app, name, password);
        assert.equal(response.status, 401);
        return (await response.text()).replace(/"request_id":"[^"]+"/, "");
      },
    ),
  );
  assert.equal(new Set(bodies).size, 1);
  assert.equal((await login(app, "paul", "x".repeat(1_001))).status, 422);
});

Deno.test("five tries a minute to sign in, by name and by address, and who is right is not counted", async () => {
  await using app = await startApp();
  await makeUser(app);
  await makeUser(app, "paul");
  for (let i = 0; i < 7; i++) assert.equal((await login(app)).status, 200);
  for (let i = 0; i < 5; i++) assert.equal((await login(app, "paul", "wrong")).status, 401);
  const refused = await login(app, "paul");
  assert.equal(refused.status, 429);
  assert.equal(refused.headers.get("Retry-After"), "60");
  assert.equal((await login(app)).status, 429, "from the same address");
  const elsewhere = await app.app.request(
    "/api/auth/login",
    sending("POST", { username: "Paul", password: PASSWORD }),
    { remoteAddr: { transport: "tcp", hostname: "203.0.113.9", port: 1 } },
  );
  assert.equal(elsewhere.status, 429, "with the same name");
  await app.clock.advance(MINUTE);
  assert.equal((await login(app, "paul")).status, 200);
});

Deno.test("POST /api/auth/refresh rotates; a used token ends its session, access tokens too", async () => {
  await using app = await startApp();
  await makeUser(app);
  const [first, other] = [await signIn(app), await signIn(app)];
  const second = await (await refresh(app, first.refresh_token)).json();
  assert.equal((await as(app, second)("/images")).status, 200);
  assert.equal((await refresh(app, first.refresh_token)).status, 401);
  for (const { access_token } of [first, second]) {
    const response = await as(app, { ...second, access_token })("/images");
    assert.equal(response.status, 401);
  }
  assert.equal((await refresh(app, second.refresh_token)).status, 401);
  assert.equal((await as(app, other)("/images")).status, 200, "another session goes on");
  const { items } = await (await app.request("/audit")).json();
  assert.equal(items[0].action, "session.reuse_detected");
});

Deno.test("of 20 refreshes at once with the same token exactly one succeeds", async () => {
  await using app = await startApp();
  await makeUser(app);
  const { refresh_token } = await signIn(app);
  const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(app, refresh_token)));
  const statuses = answers.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, 1);
  assert.equal(statuses.filter((status) => status === 401).length, 19);
});

Deno.test("a session rests for a day, with remember_me for 30", async () => {
  await using app = await startApp();
  await makeUser(app);
  const short = await signIn(app);
  const long = await signIn(app, "marie", { remember_me: true });
  await app.clock.advance(24 * HOUR - 1_000);
  const renewed = await (await refresh(app, short.refresh_token)).json();
  await app.clock.advance(24 * HOUR);
  assert.equal((await refresh(app, renewed.refresh_token)).status, 401);
  await app.clock.advance(28 * 24 * HOUR - 1_000);
  assert.equal((await refresh(app, long.refresh_token)).status, 200);
});

Deno.test("POST /api/auth/logout ends this session and no other", async () => {
  await using app = await startApp();
  await makeUser(app);
  const [here, there] = [await signIn(app), await signIn(app)];
  assert.equal((await as(app, here)("/api/auth/logout", { method: "POST" })).status, 204);
  assert.equal((await as(app, here)("/images")).status, 401);
  assert.equal((await refresh(app, here.refresh_token)).status, 401);
  assert.equal((await as(app, there)("/images")).status, 200);
});

Deno.test("POST /api/auth/change-password ends the other sessions and takes the old password away", async () => {
  await using app = await startApp();
  await makeUser(app);
  const [here, there] = [await signIn(app), await signIn(app)];
  const change = (current_password: string) =>
    as(app, here)(
      "/api/auth/change-password",
      sending("POST", { current_password, new_password: "another long one" }),
    );
  assert.equal((await change("wrong")).status, 401);
  assert.equal((await change(PASSWORD)).status, 204);
  assert.equal((await as(app, here)("/images")).status, 200);
  assert.equal((await as(app, there)("/images")).status, 401);
  assert.equal((await login(app)).status, 401);
  assert.equal((await login(app, "marie", "another long one")).status, 200);
});

Deno.test("POST /api/auth/verify knows the tokens of one's own tenant, and their kind", async () => {
  await using app = await startApp();
  const { id } = await makeUser(app);
  const { access_token, refresh_token } = await signIn(app);
  const verify = async (token: string, key?: string) =>
    await (await app.request("/api/auth/verify", sending("POST", { token }), key)).json();
  const good = await verify(access_token);
  assert.deepEqual(good, {
    valid: true,
    sub: id,
    exp: Math.floor(app.clock.now() / 1000) + 900,
    scopes: ["images:read"],
  });
  const none = { valid: false, sub: null, exp: null, scopes: [] };
  const other = await app.asTenant();
  assert.deepEqual(await verify(access_token, other.key), none);
  for (const token of [refresh_token, app.key, "", "x".repeat(10_000)]) {
    assert.deepEqual(await verify(token), none);
  }
});

Deno.test("tokens die at once with their user, their rights, and their client", async () => {
  await using app = await startApp();
  const users = await Promise.all(
    ["deleted", "stopped", "renamed"].map((name) => makeUser(app, name, ["admin"])),
  );
  const [deleted, stopped, renamed] = await Promise.all(
    users.map(async ({ username }) => as(app, await signIn(app, username))),
  );
  await app.request(`/api/users/${users[0]!.id}`, { method: "DELETE" });
  assert.equal((await deleted!("/images")).status, 401);
  await app.request(`/api/users/${users[1]!.id}`, sending("PATCH", { active: false }));
  assert.equal((await stopped!("/images")).status, 401);
  const narrower = sending("PATCH", { username: "other", scopes: ["images:read"] });
  assert.equal((await app.request(`/api/users/${users[2]!.id}`, narrower)).status, 200);
  assert.equal((await renamed!("/images")).status, 200);
  assert.equal((await renamed!("/api/users")).status, 403);
  const path = `/auth/clients/${app.tenant.id}`;
  assert.equal((await app.request(path, { method: "DELETE" }, MASTER_KEY)).status, 204);
  assert.equal((await renamed!("/images")).status, 401);
  assert.equal((await login(app, "other")).status, 401);
});

Deno.test("keys have no session: what users do is forbidden to them", async () => {
  await using app = await startApp();
  assert.equal((await app.request("/api/auth/me")).status, 403);
  assert.equal((await app.request("/api/auth/logout", { method: "POST" })).status, 403);
  const change = sending("POST", { current_password: "x", new_password: "another long one" });
  assert.equal((await app.request("/api/auth/change-password", change)).status, 403);
  assert.equal((await app.request("/api/auth/me", {}, MASTER_KEY)).status, 403);
});

Deno.test("POST /api/auth/ws-ticket opens /events/stream once, within 30 s, with today's rights", async () => {
  await using app = await startApp();
  const { id } = await makeUser(app);
  const asMarie = as(app, await signIn(app));
  const ticket = async () =>
    (await (await asMarie("/api/auth/ws-ticket", { method: "POST" })).json()).ticket;
  const open = async (ticket: string) => {
    const response = await app.app.request(`/events/stream?ticket=${ticket}`);
    await response.body?.cancel();
    return response.status;
  };
  const first = await ticket();
  assert.deepEqual([await open(first), await open(first), await open("")], [200, 401, 401]);
  const late = await ticket();
  await app.clock.advance(30_000);
  assert.equal(await open(late), 401);
  const both = await ticket();
  assert.deepEqual((await Promise.all([open(both), open(both)])).toSorted(), [200, 401]);
  const [narrowed, ended] = [await ticket(), await ticket()];
  await app.request(`/api/users/${id}`, sending("PATCH", { scopes: ["ai:use"] }));
  assert.equal(await open(narrowed), 403);
  await app.request(`/api/users/${id}`, { method: "DELETE" });
  assert.equal(await open(ended), 401);
  assert.equal(
    (await app.app.request(`/images?ticket=${await keyTicket()}`)).status,
    401,
    "nowhere else",
  );

  async function keyTicket() {
    return (await (await app.request("/api/auth/ws-ticket", { method: "POST" })).json()).ticket;
  }
});

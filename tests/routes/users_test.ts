import assert from "node:assert/strict";
import { startApp } from "../helpers/app.ts";
import { as, login, makeUser, PASSWORD, sending, signIn } from "../helpers/users.ts";

Deno.test("/api/users makes, lists, changes and deletes users, and never shows a hash", async () => {
  await using app = await startApp();
  const marie = await makeUser(app);
  await makeUser(app, "paul");
  const text = await (await app.request("/api/users")).text();
  assert.deepEqual(JSON.parse(text).items.map(({ username }: { username: string }) => username), [
    "paul",
    "marie",
  ]);
  assert.ok(!/scrypt|hash|tenant/.test(text));
  const path = `/api/users/${marie.id}`;
  const read = await app.request(path);
  const etag = read.headers.get("ETag")!;
  assert.deepEqual(await read.json(), marie);
  assert.equal((await app.request(path, { headers: { "If-None-Match": etag } })).status, 304);
  const changed = await app.request(path, sending("PATCH", { username: "maria" }));
  assert.equal((await changed.json()).username, "maria");
  const stale = sending("PATCH", { username: "m.m" }, { "If-Match": etag });
  assert.equal((await app.request(path, stale)).status, 412);
  assert.equal((await login(app, "marie")).status, 401);
  assert.equal((await login(app, "maria")).status, 200);
  assert.equal((await app.request(path, { method: "DELETE" })).status, 204);
  assert.equal((await app.request(path)).status, 404);
  const { items } = await (await app.request("/audit")).json();
  assert.deepEqual(
    items.map(({ action }: { action: string }) => action).filter((a: string) =>
      a.startsWith("user")
    ),
    ["user.deleted", "user.signed_in", "user.changed", "user.created", "user.created"],
  );
});

Deno.test("a name is unique in the whole installation, whoever asks and however it is written", async () => {
  await using app = await startApp();
  await makeUser(app, "Zoë");
  const other = await app.asTenant();
  for (const username of ["zoë", "ZOË", "zoe\u0308"]) {
    const init = sending("POST", { username, password: PASSWORD, scopes: ["admin"] });
    assert.equal((await other.request("/api/users", init)).status, 409, username);
  }
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      app.request(
        "/api/users",
        sending("POST", { username: "same", password: PASSWORD, scopes: ["admin"] }),
      )),
  );
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  const { id } = await makeUser(app, "paul");
  const taken = await app.request(`/api/users/${id}`, sending("PATCH", { username: "same" }));
  assert.equal(taken.status, 409);
});

const user = { username: "paul", password: PASSWORD, scopes: ["images:read"] };
const refused: [name: string, body: unknown, status: number][] = [
  ["a short name", { ...user, username: "ab" }, 422],
  ["a name with spaces", { ...user, username: "a b c" }, 422],
  ["a name with control characters", { ...user, username: "ab\u0000c" }, 422],
  ["a short password", { ...user, password: "1234567" }, 422],
  ["a password of a megabyte", { ...user, password: "x".repeat(1_000_000) }, 422],
  ["no scope", { ...user, scopes: [] }, 422],
  ["an unknown scope", { ...user, scopes: ["root"] }, 422],
  ["a foreign tenant", { ...user, tenant: crypto.randomUUID() }, 422],
  ["a hash of one's own", { ...user, password_hash: "$scrypt$" }, 422],
  ["an id of one's own", { ...user, id: crypto.randomUUID() }, 422],
];
for (const [name, body, status] of refused) {
  Deno.test(`POST /api/users refuses ${name}`, async () => {
    await using app = await startApp();
    assert.equal((await app.request("/api/users", sending("POST", body))).status, status);
    const { items } = await (await app.request("/api/users")).json();
    assert.equal(items.length, 0);
  });
}

Deno.test("a user without admin cannot see users or change any, the own one neither", async () => {
  await using app = await startApp();
  const { id } = await makeUser(app, "marie", ["images:read", "images:write"]);
  const asMarie = as(app, await signIn(app));
  const attempts: [string, RequestInit?][] = [
    ["/api/users"],
    [`/api/users/${id}`],
    [`/api/users/${id}`, sending("PATCH", { scopes: ["admin"] })],
    [`/api/users/${id}`, { method: "DELETE" }],
    ["/api/users", sending("POST", { ...user, scopes: ["admin"] })],
    ["/auth/keys", sending("POST", { name: "k", scopes: ["admin"] })],
  ];
  for (const [path, init] of attempts) assert.equal((await asMarie(path, init)).status, 403, path);
  const kept = await (await app.request(`/api/users/${id}`)).json();
  assert.deepEqual(kept.scopes, ["images:read", "images:write"]);
});

Deno.test("users do no more than their tenant may, and go with it", async () => {
  await using app = await startApp();
  const other = await app.asTenant({ scopes: ["admin"] });
  await makeUser(app, "marie", ["admin"], other.key);
  await signIn(app);
  const { tenants, erasures, db } = app.services;
  await tenants.patch(other.tenant.id, { scopes: ["images:read"] }, "master");
  const asMarie = as(app, await signIn(app));
  assert.equal((await asMarie("/images")).status, 200);
  assert.equal((await asMarie("/api/users")).status, 403);
  await erasures.erase(other.tenant.id, "other", "master");
  assert.equal((await asMarie("/images")).status, 401);
  for (const table of ["users", "users_by_name", "sessions"]) {
    for await (const { key } of db.list({ prefix: [table] })) assert.fail(`${key} is left`);
  }
});

Deno.test("createFirst() makes the user admin once, however many processes start at once", async () => {
  await using app = await startApp();
  const { users } = app.services;
  const made = await Promise.all(
    Array.from({ length: 20 }, () => users.createFirst(app.tenant.id, PASSWORD)),
  );
  const [admin] = made.filter((user) => user !== null);
  assert.equal(made.filter((user) => user !== null).length, 1);
  assert.deepEqual([admin?.username, admin?.scopes], ["admin", ["admin"]]);
  await app.request(`/api/users/${admin!.id}`, { method: "DELETE" });
  assert.equal(await users.createFirst(app.tenant.id, PASSWORD), null, "not again");
});

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { hashSync } from "bcryptjs";
import { readForeignUsers } from "../../../lib/auth/import_users.ts";
import { startApp } from "../../helpers/app.ts";
import { login } from "../../helpers/users.ts";

const BCRYPT = hashSync("old password", 4);

async function withFile(sql: string, use: (path: string) => void | Promise<void>) {
  const path = await Deno.makeTempFile({ suffix: ".db" });
  try {
    const db = new DatabaseSync(path);
    db.exec(sql);
    db.close();
    await use(path);
  } finally {
    await Deno.remove(path);
  }
}

const SENTINEL = `
  CREATE TABLE users (id INTEGER PRIMARY KEY, username TEXT, email TEXT, hashed_password TEXT,
    role TEXT, is_active BOOLEAN);
  INSERT INTO users VALUES
    (1, 'boss', 'b@x.fr', '${BCRYPT}', 'admin', 1),
    (2, 'guard', 'g@x.fr', '${BCRYPT}', 'operator', 1),
    (3, 'guest', 'v@x.fr', '${BCRYPT}', 'viewer', 0),
    (4, 'x', 'x@x.fr', '${BCRYPT}', 'viewer', 1),
    (5, 'plain', 'p@x.fr', 'secret', 'admin', 1)`;

Deno.test("readForeignUsers() maps names, roles and activity, and says who is of no use", async () => {
  await withFile(SENTINEL, (path) => {
    const { users, unusable } = readForeignUsers(path);
    assert.deepEqual(users.map(({ username, scopes, active }) => [username, scopes, active]), [
      ["boss", ["admin"], true],
      [
        "guard",
        ["images:read", "cameras:read", "events:read", "cameras:write", "events:write"],
        true,
      ],
      ["guest", ["images:read", "cameras:read", "events:read"], false],
    ]);
    assert.deepEqual(unusable.map(({ username }) => username), ["x", "plain"]);
    assert.ok(!JSON.stringify(unusable).includes("secret"));
  });
});

Deno.test("readForeignUsers() takes other names of columns, and refuses a file without users", async () => {
  const other = `CREATE TABLE "User" (login TEXT, password TEXT, is_admin INTEGER);
    INSERT INTO "User" VALUES ('root.user', '${BCRYPT}', 1)`;
  await withFile(other, (path) => {
    const [user] = readForeignUsers(path).users;
    assert.deepEqual([user?.username, user?.scopes, user?.active], ["root.user", ["admin"], true]);
  });
  await withFile("CREATE TABLE cats (name TEXT)", (path) => {
    assert.throws(() => readForeignUsers(path), /Cannot find a table of users/);
  });
});

Deno.test("an adopted user signs in with the old password, whose hash becomes scrypt", async () => {
  await using app = await startApp();
  const { users, db } = app.services;
  const given = { username: "boss", password_hash: BCRYPT, scopes: ["admin" as const] };
  const { id } = await users.adopt(app.tenant.id, given);
  await assert.rejects(users.adopt(app.tenant.id, given), /it is taken/);
  const hash = async () =>
    (await db.kv.get<{ password_hash: string }>(["users", app.tenant.id, id])).value?.password_hash;
  assert.equal((await login(app, "boss", "wrong")).status, 401);
  assert.equal(await hash(), BCRYPT);
  assert.equal((await login(app, "boss", "old password")).status, 200);
  assert.match(await hash() ?? "", /^\$scrypt\$/);
  assert.equal((await login(app, "boss", "old password")).status, 200);
});

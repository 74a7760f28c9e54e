import assert from "node:assert/strict";
import { createDatabase } from "../../lib/kv.ts";
import { createLocks } from "../../lib/locks.ts";
import { createRateLimits } from "../../lib/rate_limits.ts";
import { tables } from "../../lib/tables.ts";
import { createManualClock } from "../helpers/clock.ts";

const LIMITS = { default: 100, v1: 60, ingest: 10, stranger: 5, login: 5 };

/** Limits of so many processes on one database, with wall and monotonic time apart. */
async function setUp({ processes = 1 } = {}) {
  const db = createDatabase(await Deno.openKv(":memory:"), Object.values(tables));
  const clock = createManualClock();
  const time = { ticks: 0 };
  const all = Array.from({ length: processes }, () =>
    createRateLimits({
      db,
      clock,
      locks: createLocks(),
      ticks: () => time.ticks,
      exclusive: processes === 1,
      limits: LIMITS,
    }));
  return { all, limits: all[0]!, clock, time, [Symbol.dispose]: () => db.close() };
}

Deno.test("take() lets exactly the limit pass, however many ask at once", async () => {
  using given = await setUp();
  const { limits } = given;
  const taken = await Promise.all(Array.from({ length: 200 }, () => limits.take("default", "a")));
  assert.equal(taken.filter(({ allowed }) => allowed).length, 100);
  assert.deepEqual(taken.slice(0, 3).map(({ remaining }) => remaining), [99, 98, 97]);
  assert.equal((await limits.take("default", "b")).allowed, true, "another subject");
  assert.equal((await limits.take("ingest", "a")).limit, 10, "another policy");
});

Deno.test("take() begins anew with the next minute", async () => {
  using given = await setUp();
  const { limits, time } = given;
  for (let i = 0; i < 10; i++) await limits.take("ingest", "a");
  time.ticks = 59_999;
  const refused = await limits.take("ingest", "a");
  assert.deepEqual([refused.allowed, refused.remaining, refused.reset], [false, 0, 1]);
  time.ticks = 60_000;
  const again = await limits.take("ingest", "a");
  assert.deepEqual([again.allowed, again.remaining, again.reset], [true, 9, 60]);
});

Deno.test("take() is not reset by a wall clock that jumps", async () => {
  using given = await setUp();
  const { limits, clock } = given;
  for (let i = 0; i < 10; i++) await limits.take("ingest", "a");
  await clock.advance(365 * 24 * 3_600_000);
  assert.equal((await limits.take("ingest", "a")).allowed, false);
});

Deno.test("take() with several processes is not reset by a clock that is set back", async () => {
  using given = await setUp({ processes: 2 });
  const { limits, clock } = given;
  for (let i = 0; i < 10; i++) await limits.take("ingest", "a");
  await clock.advance(-10 * 60_000);
  const refused = await limits.take("ingest", "a");
  assert.equal(refused.allowed, false);
  assert.ok(refused.reset >= 1 && refused.reset <= 60, String(refused.reset));
});

Deno.test("take() heeds a subject's own limit, and a change of it", async () => {
  using given = await setUp();
  const { limits } = given;
  assert.equal((await limits.take("default", "a", 1)).allowed, true);
  assert.equal((await limits.take("default", "a", 1)).allowed, false);
  assert.equal((await limits.take("default", "a", 3)).allowed, true);
});

Deno.test("take() of three processes together never exceeds the limit and wastes little", async () => {
  using given = await setUp({ processes: 3 });
  const { all } = given;
  const calls = Array.from({ length: 300 }, (_, i) => all[i % 3]!.take("default", "a"));
  const passed = (await Promise.all(calls)).filter(({ allowed }) => allowed).length;
  assert.ok(passed <= 100 && passed >= 97, String(passed));
});

Deno.test("try() counts strangers by address, and gives back who proves known", async () => {
  using given = await setUp();
  const { limits } = given;
  for (let i = 0; i < 20; i++) limits.try("1.2.3.4").giveBack();
  for (let i = 0; i < 5; i++) assert.equal(limits.try("1.2.3.4").allowed, true);
  const refused = limits.try("1.2.3.4");
  refused.giveBack();
  assert.equal(refused.allowed, false);
  assert.equal(limits.try("1.2.3.4").allowed, false, "a refused try gives nothing back");
  assert.equal(limits.try("1.2.3.5").allowed, true);
});

Deno.test("try() keeps a bounded number of addresses, apart from the known callers", async () => {
  using given = await setUp();
  const { limits } = given;
  for (let i = 0; i < 10; i++) await limits.take("ingest", "a");
  for (let i = 0; i < 60_000; i++) limits.try(`address ${i}`);
  assert.equal((await limits.take("ingest", "a")).allowed, false);
});

Deno.test("giveBack() takes back one that was counted, in one process and in several", async () => {
  for (const processes of [1, 2]) {
    using given = await setUp({ processes });
    const { limits } = given;
    const take = async () => (await limits.take("login", "name/x")).allowed;
    for (let i = 0; i < 5; i++) assert.equal(await take(), true);
    assert.equal(await take(), false);
    limits.giveBack("login", "name/x");
    assert.deepEqual([await take(), await take()], [true, false]);
  }
});

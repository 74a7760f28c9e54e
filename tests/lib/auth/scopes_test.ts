import assert from "node:assert/strict";
import { covers, narrow } from "../../../lib/auth/scopes.ts";
import type { Scope } from "../../../lib/model/tenant.ts";

Deno.test("covers() lets admin stand for every scope, and no other for more than itself", () => {
  assert.ok(covers(["admin"], ["images:read", "admin"]));
  assert.ok(covers(["images:read", "ai:use"], ["ai:use"]));
  assert.ok(!covers(["images:write"], ["images:read"]));
  assert.ok(!covers(["images:read"], ["images:read", "admin"]));
  assert.ok(!covers([], ["images:read"]));
});

const cases: [scopes: Scope[], bound: Scope[], both: Scope[]][] = [
  [["images:read"], ["admin"], ["images:read"]],
  [["admin"], ["images:read"], ["images:read"]],
  [["admin"], ["admin"], ["admin"]],
  [["images:read", "ai:use"], ["ai:use", "images:write"], ["ai:use"]],
  [["images:read"], ["images:write"], []],
];

Deno.test("narrow() gives what both allow", () => {
  for (const [scopes, bound, both] of cases) assert.deepEqual(narrow(scopes, bound), both);
});

import assert from "node:assert/strict";
import { VARIABLES } from "../lib/config.ts";
import { PROBLEMS } from "../lib/errors.ts";

const text = (name: string) => Deno.readTextFile(new URL(`../${name}`, import.meta.url));
const cells = (line: string) => line.split("|").map((cell) => cell.trim().replaceAll("`", ""));

/** The rows of the README's table under a heading, by their first cell. */
async function tableUnder(heading: string): Promise<Map<string, string[]>> {
  const section = (await text("README.md")).split(`## ${heading}\n`)[1]!.split("\n## ")[0]!;
  const rows = section.split("\n").filter((line) => line.startsWith("| `")).map(cells);
  return new Map(rows.map(([, name, ...rest]) => [name!, rest]));
}

Deno.test("README names every variable with its standard value, and no other", async () => {
  const table = await tableUnder("Configuration");
  assert.deepEqual([...table.keys()], VARIABLES.map(({ name }) => name));
  for (const { name, standard } of VARIABLES) assert.equal(table.get(name)?.[0], standard, name);
});

Deno.test("README names every problem with its status, and no other", async () => {
  const table = await tableUnder("Errors");
  assert.deepEqual([...table.keys()], Object.keys(PROBLEMS));
  for (const [code, [status]] of Object.entries(PROBLEMS)) {
    assert.equal(table.get(code)?.[0], String(status), code);
  }
});

Deno.test(".env.example names every variable", async () => {
  const named = (await text(".env.example")).matchAll(/^#? ?([A-Z0-9_]+)=/gm);
  assert.deepEqual([...named].map(([, name]) => name), VARIABLES.map(({ name }) => name));
});

Deno.test("every task that the README names exists", async () => {
  const { tasks } = JSON.parse(await text("deno.json"));
  for (const [, name] of (await text("README.md")).matchAll(/\| `((?:test|bench)[:\w]*)` \|/g)) {
    assert.ok(name! in tasks, `the task ${name}`);
  }
});

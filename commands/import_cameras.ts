import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type ForeignCamera, readForeignCameras } from "../lib/camera_import.ts";
import { Problem } from "../lib/errors.ts";
import type { Services } from "../lib/services.ts";
import { run, say, UsageError } from "./command.ts";
import { withTenant } from "./services.ts";

const USAGE = "usage: deno task import-cameras [--tenant ID] [--start] <cameras.yaml>";

/**
 * Adds the cameras of another system's `cameras.yaml`, while Imago is stopped. With `--start` those
 * that are enabled there are watched from Imago's next start on. A camera of a name or an address
 * that is there already is left alone: run it again. Exit status 1 when one was refused.
 */
await run(async (config, args) => {
  const { path, tenant, start } = read(args);
  const found = readFile(path);
  let refused = found.unusable.length;
  await withTenant(config, tenant, async ({ cameras }, id) => {
    for (const foreign of found.cameras) {
      const said = await add(cameras, id, foreign, start);
      say(`${foreign.camera.name}: ${said.words}`);
      refused += Number(said.isRefused);
    }
  });
  for (const { name, reason } of found.unusable) say(`${name}: not added: ${reason}`);
  if (refused) throw new UsageError(`${refused} cameras were not added`);
});

async function add(
  cameras: Services["cameras"],
  tenant: string,
  { camera, enabled }: ForeignCamera,
  start: boolean,
): Promise<{ words: string; isRefused: boolean }> {
  try {
    if (await isThere(cameras, tenant, camera)) {
      return { words: "is there already", isRefused: false };
    }
    const { row: { id } } = await cameras.add(tenant, camera);
    if (!start || !enabled) return { words: "added", isRefused: false };
    await cameras.start(tenant, id);
    return { words: "added and started", isRefused: false };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { words: `not added: ${error.detail}`, isRefused: true };
  }
}

async function isThere(
  cameras: Services["cameras"],
  tenant: string,
  { name, url }: ForeignCamera["camera"],
): Promise<boolean> {
  const known = (await cameras.all(tenant)).map(({ row }) => row);
  const addresses = await Promise.all(known.map((row) => cameras.address(row)));
  return known.some((row) => row.name === name) || addresses.map(bare).includes(bare(url));
}

/** An address without user and password: another login makes no other camera. */
function bare(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/?#]*@/i, "$1");
}

function readFile(path: string) {
  try {
    return readForeignCameras(readFileSync(path, "utf8"));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

function read(args: string[]) {
  const { values: { tenant, start = false }, positionals: [path] } = parse(args);
  if (!path) throw new UsageError(USAGE);
  if (!existsSync(path)) throw new UsageError(`Cannot find ${path}`);
  return { path, tenant, start };
}

function parse(args: string[]) {
  try {
    const options = { tenant: { type: "string" }, start: { type: "boolean" } } as const;
    return parseArgs({ args, allowPositionals: true, options });
  } catch (cause) {
    throw new UsageError(USAGE, { cause });
  }
}

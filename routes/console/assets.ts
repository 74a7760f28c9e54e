import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import type { Context } from "hono";
import { Problem } from "../../lib/errors.ts";
import type { Env } from "../shared/app.ts";

const FOLDER = new URL("./static/", import.meta.url);
const TYPES: Record<string, string> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** Modules of packages that browsers load as they are published, by the name they are served under. */
const PACKAGED = { "vendor/thumbhash.js": "thumbhash" };

export type Assets = ReturnType<typeof createAssets>;

/**
 * The console's styles and modules, served as they are written. Their address holds a hash of all of
 * them, and modules name each other by relative addresses: so browsers keep each file for good, and
 * never mix two versions.
 */
export function createAssets() {
  const files = new Map([...readFolder(FOLDER, ""), ...readPackages()]);
  const hash = createHash("sha256");
  for (const name of [...files.keys()].toSorted()) hash.update(name).update(files.get(name)!);
  const base = `/static/${hash.digest("hex").slice(0, 12)}`;

  return {
    /** Where a file of this version is found. */
    url: (name: string) => `${base}/${name}`,
    names: [...files.keys()],

    /** Answers with a file; one of another version is served as this one's, but not kept. */
    serve(c: Context<Env>): Response {
      const [, version, name] = /^\/static\/([^/]+)\/(.+)$/.exec(c.req.path) ?? [];
      const bytes = files.get(name ?? "");
      if (!bytes || !name) throw new Problem("not_found", `There is no ${c.req.path}`);
      const current = base.endsWith(`/${version}`);
      return c.body(bytes, 200, {
        "Content-Type": TYPES[name.split(".").at(-1)!]!,
        "Cache-Control": current ? "public, max-age=31536000, immutable" : "no-cache",
      });
    },
  };
}

function* readFolder(folder: URL, prefix: string): Generator<[string, Uint8Array<ArrayBuffer>]> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* readFolder(new URL(`${name}/`, folder), `${prefix}${name}/`);
    else yield [`${prefix}${name}`, Deno.readFileSync(new URL(name, folder))];
  }
}

function* readPackages(): Generator<[string, Uint8Array<ArrayBuffer>]> {
  const { resolve } = createRequire(import.meta.url);
  for (const [name, specifier] of Object.entries(PACKAGED)) {
    yield [name, Deno.readFileSync(resolve(specifier))];
  }
}

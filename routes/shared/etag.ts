import type { Context } from "hono";
import { Problem } from "../../lib/errors.ts";
import type { Env } from "./app.ts";

/** Sets a strong ETag; true when the caller already has this version (answer 304 then). */
export function notModified(c: Context<Env>, etag: string): boolean {
  c.header("ETag", etag);
  const known = c.req.header("If-None-Match");
  return known === "*" ||
    (known?.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etag) ?? false);
}

/** The ETag of a record that counts its versions. */
export function versionTag({ version }: { version: number }): string {
  return `"${version}"`;
}

/** Like `ifMatch`, for a record that counts its versions. */
export function checkMatch(c: Context<Env>): (row: { version: number }) => void {
  const check = ifMatch(c);
  return ({ version }) => check(String(version));
}

/**
 * Refuses a change, as `precondition_failed`, when If-Match names other versions than the one that is
 * there (RFC 9110, 13.1.1: the comparison is strong). Call it where that version is read.
 */
export function ifMatch(c: Context<Env>): (version: string) => void {
  const wanted = c.req.header("If-Match");
  return (version) => {
    if (wanted === undefined || wanted.trim() === "*") return;
    if (wanted.split(",").some((tag) => tag.trim() === `"${version}"`)) return;
    throw new Problem(
      "precondition_failed",
      "Cannot change it: it is not the version that you know",
    );
  };
}
